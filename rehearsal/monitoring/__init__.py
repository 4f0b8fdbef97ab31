"""Prometheus, Alertmanager and kube-state-metrics as local processes that watch a stage."""

from rehearsal.monitoring.running import KUBE_STATE_METRICS, Monitoring, Watch, watching
from rehearsal.monitoring.scraping import Target, pod_scrape

__all__ = ["KUBE_STATE_METRICS", "Monitoring", "Target", "Watch", "pod_scrape", "watching"]
