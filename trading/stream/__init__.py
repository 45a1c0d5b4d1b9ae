"""How the stream reaches those who need it, and how the firm's own events reach the stream."""
