"""The clients' ends of the connections to the data feeds handler."""
