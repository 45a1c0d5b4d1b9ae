"""The reader of the event stream that writes to Redis."""
