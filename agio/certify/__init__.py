"""A counterparty that a FIX client is certified against: the venue's own sessions and engine."""
