"""The nodes themselves: their objects and leases, and the volumes made on them."""
