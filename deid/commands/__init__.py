"""The commands of the command line, by what they are about; deid/cli.py lists them."""
