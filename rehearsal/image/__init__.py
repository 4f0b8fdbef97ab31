"""Builds the worker image on this machine, from a base made here: no registry, no daemon."""
