"""One module a step, by number; a step that has been released never changes."""
