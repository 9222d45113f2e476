"""One file per way of changing stored pixels."""
