"""promtool's unit tests of a stack's rules: series that rise and fall, and who is told when."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "imagineer-prod"


@dataclass(frozen=True)
class Case:
    """Series, a sample a minute, and the minutes at which one alert fires and does not."""

    alert: str
    labels: dict[str, str]
    """Which of the rules of that name."""
    series: dict[str, str]
    """Values by series, in promtool's notation."""
    fires: tuple[int, ...] = ()
    quiet: tuple[int, ...] = ()
    """Before, too soon, just below the threshold, and once it is mended."""

    @property
    def told(self) -> str:
        return "-".join([self.alert, *self.labels.values()])


def own(metric: str, **labels: str) -> str:
    """A series of the stack's namespace."""
    return f"{metric}{{{_joined({'namespace': NAMESPACE, **labels})}}}"


def of_keda(metric: str, worker: str, **labels: str) -> str:
    """A series as Prometheus keeps what it scrapes in KEDA's namespace."""
    told = {"exported_namespace": NAMESPACE, "namespace": "keda", "scaledObject": worker, **labels}
    return f"{metric}{{{_joined(told)}}}"


def _joined(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def document(case: Case, rules: Path) -> str:
    """The test file, JSON being YAML."""
    alert = {"alertname": case.alert, "alertstate": "firing", **case.labels}
    firing = f"count(ALERTS{{{_joined(alert)}}})"
    expected = {minute: [{"labels": "{}", "value": 1}] for minute in case.fires}
    expected |= {minute: [] for minute in case.quiet}
    checks = [
        {"expr": firing, "eval_time": f"{minute}m", "exp_samples": samples}
        for minute, samples in sorted(expected.items())
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": s, "values": values} for s, values in case.series.items()],
        "promql_expr_test": checks,
    }
    return json.dumps(
        {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}, indent=1
    )


def run(promtool: Path, *arguments: str | Path) -> str:
    """What promtool printed; fails with it where promtool does."""
    done = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed
