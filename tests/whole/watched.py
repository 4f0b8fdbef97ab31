"""The running fleet under a real Prometheus and Alertmanager, its alert rules in short time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra import names
from infra.manifests.prometheus_rule import monitoring_metadata, pod_monitor
from rehearsal.layout import Layout
from rehearsal.monitoring import Monitoring, Target, Watch, watching
from rehearsal.monitoring.scaled import scaled_rules, seconds
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import MonitoringTools
from tests.whole.receiver import Receiver, receiving
from tests.whole.running_fleet import STACK, RunningFleet

FACTOR = 20
"""An hour of the rules passes in three minutes."""
SCRAPE_S = 1.0


@dataclass(frozen=True)
class Watched:
    """Running programs, and who is told of alerts."""

    monitoring: Monitoring
    receiver: Receiver
    rules: tuple[dict[str, Any], ...]
    """As Prometheus has them: in short time."""

    @property
    def prometheus_url(self) -> str:
        return self.monitoring.prometheus_url

    def for_s(self, alert: str, labels: dict[str, str]) -> float:
        """The rule's own `for`, in short time."""
        (found,) = {
            rule["for"]
            for rule in self.rules
            if rule["alert"] == alert and labels.items() <= rule["labels"].items()
        }
        return seconds(found)


@contextmanager
def watch(running: RunningFleet, tools: MonitoringTools, folder: Path) -> Iterator[Watched]:
    """Scrape all that a stack's rules read, evaluate them, and tell a receiver."""
    rules = short_rules(running, folder)
    layout = Layout(running.folder / ".state" / "rehearsal")
    config = running.config
    port = supervisor.status(layout.root).ports["keda_operator_metrics"]
    monitor = {
        "metadata": monitoring_metadata(config, names.METRICS),
        "spec": pod_monitor(config),
    }
    with receiving() as receiver:
        what = Watch(
            kubeconfig=layout.kubeconfig,
            monitors=(monitor,),
            targets=(Target("keda-operator", f"127.0.0.1:{port}", {"namespace": "keda"}),),
            interval_s=SCRAPE_S,
            alertmanager_file=_alertmanager_file(receiver, folder),
            rules=rules,
        )
        groups = yaml.safe_load(rules.read_text())["groups"]
        with watching(what, tools, folder) as monitoring:
            yield Watched(
                monitoring, receiver, tuple(rule for group in groups for rule in group["rules"])
            )


def short_rules(running: RunningFleet, folder: Path) -> Path:
    """The rules as `fleet alerts` writes them, with every time divided by the factor."""
    whole, short = folder / "rules.yaml", folder / "short-rules.yaml"
    original = running.stack_file.read_text()
    # Four hours are too long even so.
    running.edit_stack(_forget_soon)
    written = running.fleet("alerts", "--stack", STACK, "--out", str(whole))
    running.stack_file.write_text(original)
    assert written.returncode == 0, written.output
    short.write_text(yaml.safe_dump(scaled_rules(yaml.safe_load(whole.read_text()), FACTOR)))
    return short


def _forget_soon(config: dict[str, Any]) -> None:
    monitoring = config.setdefault("celery-fleet:monitoring", {"kind": "existing"})
    monitoring["pausedHours"] = 1


def _alertmanager_file(receiver: Receiver, folder: Path) -> Path:
    """Tell each alert at once, and by itself."""
    document = {
        "route": {
            "receiver": "test",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "test", "webhook_configs": [{"url": receiver.url}]}],
    }
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
