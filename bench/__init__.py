"""Measures the venue: `python -m bench`. See `bench.figures` for how figures are taken."""
