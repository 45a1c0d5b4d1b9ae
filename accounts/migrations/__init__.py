"""The ledger's schema, one step a file. `accounts.edge.schema` applies them."""
