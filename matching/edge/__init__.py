"""Where the matching process meets files, sockets and the clock."""
