"""Events to money: the ledger of record in Postgres, and the people who own it."""
