"""FIX as a client: the sessions with a venue, over the library that our own venue speaks."""
