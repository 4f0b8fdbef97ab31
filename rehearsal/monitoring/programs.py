"""The command lines of Prometheus, Alertmanager and kube-state-metrics, and Prometheus' file."""

from pathlib import Path
from typing import Any

import yaml

from rehearsal.control_plane.ports import ADDRESS
from rehearsal.control_plane.program import SMALL_HEAP, Options, Program, flags
from rehearsal.toolchain import MonitoringTools

# What alert rules and dashboards read; every further kind is a watch of its own.
_KINDS = ("deployments", "horizontalpodautoscalers", "nodes", "pods", "replicasets")


def prometheus_file(
    folder: Path,
    scrapes: list[dict[str, Any]],
    rules: Path | None,
    alertmanager_port: int,
    interval_s: float,
) -> Path:
    """Write Prometheus' own file; rules are evaluated as often as is scraped."""
    told = {"static_configs": [{"targets": [f"{ADDRESS}:{alertmanager_port}"]}]}
    document = {
        "global": {"evaluation_interval": f"{interval_s:g}s"},
        "rule_files": [] if rules is None else [str(rules)],
        "alerting": {"alertmanagers": [told]},
        "scrape_configs": scrapes,
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def prometheus(tools: MonitoringTools, folder: Path, config: Path, port: int) -> Program:
    """Scrapes, keeps what it saw in the folder, and evaluates rules."""
    options: Options = {
        "config.file": config,
        "storage.tsdb.path": folder / "series",
        "web.listen-address": f"{ADDRESS}:{port}",
        # As soon as an alert fires again it is told again; the default is a minute.
        "rules.alert.resend-delay": "1s",
        # It may go on pending where it was before Prometheus began anew.
        "rules.alert.for-grace-period": "1s",
        "log.level": "warn",
    }
    return Program("prometheus", (str(tools.prometheus), *flags(options)), env=SMALL_HEAP)


def alertmanager(tools: MonitoringTools, folder: Path, config: Path, port: int) -> Program:
    """Groups alerts and tells receivers; alone, with no peers."""
    options: Options = {
        "config.file": config,
        "storage.path": folder / "notifications",
        "web.listen-address": f"{ADDRESS}:{port}",
        "cluster.listen-address": "",
        "log.level": "warn",
    }
    return Program("alertmanager", (str(tools.alertmanager), *flags(options)), env=SMALL_HEAP)


def kube_state_metrics(
    tools: MonitoringTools, kubeconfig: Path, port: int, own_port: int
) -> Program:
    """Tells the state of the cluster's objects; `own_port` is for figures of itself."""
    options: Options = {
        "kubeconfig": kubeconfig,
        "host": ADDRESS,
        "port": port,
        "telemetry-host": ADDRESS,
        "telemetry-port": own_port,
        "resources": ",".join(_KINDS),
    }
    argv = (str(tools.kube_state_metrics), *flags(options))
    return Program("kube-state-metrics", argv, env=SMALL_HEAP)
