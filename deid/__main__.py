"""`python -m deid`."""

if __name__ == "__main__":  # worker processes import this module too, and need no command line
    from deid.cli import main

    main()
