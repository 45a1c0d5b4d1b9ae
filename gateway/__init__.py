"""The doors: FIX 4.4, JSON over WebSocket and REST."""
