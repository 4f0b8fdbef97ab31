"""A stand-in for a node autoscaler and its cloud: nodes come for pods that have no place.

It decides as the Kubernetes Cluster Autoscaler does: by pods that the scheduler found
unschedulable, up to a group's maximum; by nodes without pods, down to its minimum. A machine is an
entry of `launched-nodes.json`, which the node agent follows; its boot is a wait.
"""
