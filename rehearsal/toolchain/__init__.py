"""The programs that a rehearsal runs: found on PATH, or built from pinned Go modules."""

from rehearsal.toolchain.ensure import ensure_tools, tool_report
from rehearsal.toolchain.monitoring import MonitoringTools, ensure_monitoring
from rehearsal.toolchain.redis_exporter import ensure_redis_exporter
from rehearsal.toolchain.tools import Tools, ToolStatus

__all__ = [
    "MonitoringTools",
    "ToolStatus",
    "Tools",
    "ensure_monitoring",
    "ensure_redis_exporter",
    "ensure_tools",
    "tool_report",
]
