"""The venue on show: simulated traders on FIX and WebSocket, a live view, and a reckoning."""
