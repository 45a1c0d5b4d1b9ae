"""Who of several instances does what: leases with fencing tokens, and where each instance is found.

`hashing` says who is the first choice for a name, `lease_store` what a store of leases promises,
`edge` is such a store in Redis and the keeper that holds an instance's leases.
"""
