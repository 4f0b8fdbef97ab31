"""Faults that need a cluster: evictions, scale-ins, and outages of KEDA or of its view of Redis.

The fleet's arm alone, on the rehearsal: API server, controllers, KEDA and broker are real; nodes
and the container runtime are the rehearsal's stand-ins.
"""
