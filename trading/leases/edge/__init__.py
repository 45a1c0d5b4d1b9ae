"""The store of the leases, and the clock by which an instance keeps them."""
