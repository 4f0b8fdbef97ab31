"""The containers' logs: kept small, and served as a kubelet serves them."""
