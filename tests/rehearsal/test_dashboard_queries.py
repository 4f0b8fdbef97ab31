"""Prometheus can read every expression of every stack's dashboards."""

from pathlib import Path

import pytest
import yaml

from infra.config import load_file
from rehearsal.toolchain import MonitoringTools
from tests.rehearsal.promtool import run
from tests.unit.dashboard_panels import expressions

pytestmark = pytest.mark.rehearsal

ROOT = Path(__file__).resolve().parents[2]
STACKS = [*sorted((ROOT / "stacks").glob("*.yaml")), *sorted(ROOT.glob("Pulumi.[ps]*.yaml"))]


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_expression_of_a_dashboard_can_be_read(
    monitoring_tools: MonitoringTools, stack: Path, tmp_path: Path
) -> None:
    """As recording rules, each of a name of its own, so that promtool names the one it refuses."""
    found = dict(expressions(load_file(stack)))
    rules = [
        {"record": f"dashboard:{number}", "labels": {"panel": where}, "expr": expression}
        for number, (where, expression) in enumerate(found.items())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))

    assert f"SUCCESS: {len(found)} rules found" in run(
        monitoring_tools.promtool, "check", "rules", path
    )
