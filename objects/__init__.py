"""Where bytes lie that are too many or too old for a disk of ours: objects by key."""
