"""Recorded history as a market again, in the venue's own matching core."""
