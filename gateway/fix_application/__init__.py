"""FIX's application messages: requests into commands, records into reports, and the market."""
