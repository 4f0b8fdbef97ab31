"""Where a stack's alerts go, and which of them silence others. Pure."""

from infra.alerts.routes.tree import Route, Routing, routing

__all__ = ["Route", "Routing", "routing"]
