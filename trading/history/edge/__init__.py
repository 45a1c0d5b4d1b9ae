"""The queue that feeds the store, the store's objects, who writes them and who reads them."""
