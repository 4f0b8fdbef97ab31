"""Runs pods: their volumes, processes, probes, restarts and ends."""
