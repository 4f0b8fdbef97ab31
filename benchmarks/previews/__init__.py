"""How long previews take to come and to go, alone and ten at once, on the rehearsal.

Cluster, KEDA, broker and engine are real; nodes and the container runtime are stand-ins, so pods
start at once: on a cloud's nodes the pull of an image comes on top.
"""
