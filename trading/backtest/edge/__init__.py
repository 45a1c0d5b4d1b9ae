"""What reads the history and writes the reports."""
