"""Where the ledger meets the world: Postgres, the matching process, the ops desk's HTTP."""
