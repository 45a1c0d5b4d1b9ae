"""What the venue promises in FIX: rules of engagement, dictionary, golden dialogues."""
