"""What is worth looking at, as Grafana's dashboards, derived from one stack. Pure."""

from infra.dashboards.catalogue import dashboards, documents
from infra.dashboards.panel import Dashboard

__all__ = ["Dashboard", "dashboards", "documents"]
