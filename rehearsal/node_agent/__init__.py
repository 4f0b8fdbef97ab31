"""A stand-in for container nodes: a small kubelet that runs pods as local processes."""
