"""Pure functions from models to Kubernetes objects, written as in YAML."""

from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object or part of one, with the API's own field names."""
