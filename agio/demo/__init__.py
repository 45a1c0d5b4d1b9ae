"""The venue on show: strategies trade on it over FIX and WebSocket; a live view; a reckoning."""
