"""Every time of a stack's rules shrinks by the factor, and nothing else changes."""

import re
from pathlib import Path

import pytest
import yaml

from infra.config import load_file
from infra.manifests.prometheus_rule import rule_file
from rehearsal.monitoring.scaled import scaled_expression, scaled_rules, seconds

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("whole", "short"),
    [
        ("rate(a[10m])", "rate(a[60000ms])"),
        ("increase(a[1h30m]) > 3", "increase(a[540000ms]) > 3"),
        ("max(a) - max(a offset 30m) > 0", "max(a) - max(a offset 180000ms) > 0"),
        ("time() - max(a) > 120 or b", "time() - max(a) > 12 or b"),
        ('time() - max(a{s="b"}) > 45', 'time() - max(a{s="b"}) > 4.5'),
        (
            'time() - max(a{s="f(x)[5m] offset 5m"}) > 30',
            'time() - max(a{s="f(x)[5m] offset 5m"}) > 3',
        ),
        ('a{le="100.0"} > 600', 'a{le="100.0"} > 600'),
        ('a{b=~"x[.]y|z[0-9]+"} > 5', 'a{b=~"x[.]y|z[0-9]+"} > 5'),
    ],
)
def test_times_of_an_expression_are_divided_and_what_is_quoted_stays(
    whole: str, short: str
) -> None:
    assert scaled_expression(whole, 10) == short


@pytest.mark.parametrize(
    ("duration", "meant"), [("90s", 90), ("1h30m", 5400), ("500ms", 0.5), ("1d", 86_400)]
)
def test_a_duration_is_read_as_prometheus_reads_it(duration: str, meant: float) -> None:
    assert seconds(duration) == meant


def test_every_time_of_prods_rules_is_divided() -> None:
    whole = yaml.safe_load(rule_file(load_file(ROOT / "Pulumi.prod.yaml"), "prod"))

    short = scaled_rules(whole, 20)

    pairs = [
        (before, after)
        for group, changed in zip(whole["groups"], short["groups"], strict=True)
        for before, after in zip(group["rules"], changed["rules"], strict=True)
    ]
    assert len(pairs) > 50
    for before, after in pairs:
        assert seconds(after["for"]) == pytest.approx(seconds(before["for"]) / 20)
        assert written(after["expr"]) == pytest.approx([s / 20 for s in written(before["expr"])])
        numbers = re.findall(r"time\(\) - .*? > (\d+)", before["expr"])
        shorter = re.findall(r"time\(\) - .*? > ([\d.]+)", after["expr"])
        assert [float(number) / 20 for number in numbers] == [float(n) for n in shorter]
        assert after["labels"] == before["labels"]


def written(expression: str) -> list[float]:
    """Seconds of the ranges and offsets; no name or text of a rule looks like one."""
    return [seconds(found) for found in re.findall(r"(?:\[|offset )((?:\d+[smhd]+)+)", expression)]
