"""All that a new machine needs to be the venue again, where the old one's loss can't reach it."""
