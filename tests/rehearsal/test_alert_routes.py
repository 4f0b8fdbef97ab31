"""Alertmanager accepts every stack's routes, and they lead where they should."""

import subprocess
from pathlib import Path

import pytest

from infra.alerts.routes import routing
from infra.config import load_file
from infra.manifests.alertmanager_file import routes_file
from rehearsal.toolchain import MonitoringTools
from tests.rehearsal import alert_routing
from tests.rehearsal.alert_routing import alerts, named, told

pytestmark = pytest.mark.rehearsal

ROOT = Path(__file__).resolve().parents[2]
PROD = ROOT / "Pulumi.prod.yaml"
STACKS = [*sorted((ROOT / "stacks").glob("*.yaml")), *sorted(ROOT.glob("Pulumi.[ps]*.yaml"))]
# Of a tier that pages; every other alert is a ticket.
PAGES = {
    "CeleryQueueBacklog",
    "CeleryQueueWaitFastBurn",
    "CeleryQueueStalled",
    "CeleryQueueUnserved",
    "CeleryBeatAbsent",
    "CeleryJanitorSilent",
    "KedaScalerErrors",
    "RedisDown",
    "RedisEvictions",
    "RedisMemory full",
    "ImagePull failing",
}


def amtool(tools: MonitoringTools, *arguments: str | Path) -> str:
    """What it printed; fails with it where amtool does."""
    done = subprocess.run(
        [tools.amtool, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receiver(tools: MonitoringTools, config: Path, labels: dict[str, str]) -> str:
    words = [f'{name}="{value}"' for name, value in labels.items()]
    return amtool(tools, "config", "routes", "test", f"--config.file={config}", *words).strip()


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_amtool_accepts_the_routes_of_every_stack(
    monitoring_tools: MonitoringTools, stack: Path, tmp_path: Path
) -> None:
    config = told(stack)
    path = alert_routing.write(config, tmp_path)

    printed = amtool(monitoring_tools, "check-config", path)

    assert "SUCCESS" in printed
    assert f" - {len(routing(config).inhibitions)} inhibit rules" in printed
    assert f" - {1 + len(routing(config).routes)} receivers" in printed


def test_amtool_accepts_the_routes_that_prod_has_as_committed(
    monitoring_tools: MonitoringTools, tmp_path: Path
) -> None:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(routes_file(routing(load_file(PROD), alert_routing.TOPIC)))

    assert "SUCCESS" in amtool(monitoring_tools, "check-config", path)


def test_each_alert_of_prod_leads_to_whoever_is_to_hear_of_it(
    monitoring_tools: MonitoringTools, tmp_path: Path
) -> None:
    config = told(PROD)
    path = alert_routing.write(config, tmp_path)
    seen = set()
    for one in alerts(config):
        told_as = {one["alertname"], f"{one['alertname']} {one.get('level', one.get('pull'))}"}
        wanted = "page" if told_as & PAGES else "ticket"
        seen |= told_as & PAGES
        assert receiver(monitoring_tools, path, one) == wanted, named(one)

    assert seen == PAGES


def test_previews_and_staging_wake_nobody(
    monitoring_tools: MonitoringTools, tmp_path: Path
) -> None:
    for stack in STACKS:
        if stack == PROD:
            continue
        config = told(stack)
        path = alert_routing.write(config, tmp_path / stack.stem)
        kinds = {one["alertname"]: one for one in alerts(config)}
        found = {receiver(monitoring_tools, path, one) for one in kinds.values()}
        assert found == {"ticket"}, stack.stem
        page = next(iter(kinds.values())) | {"severity": "page"}
        assert receiver(monitoring_tools, path, page) == "silent"


def test_what_is_neither_page_nor_ticket_nor_of_this_stack_is_silent(
    monitoring_tools: MonitoringTools, tmp_path: Path
) -> None:
    path = alert_routing.write(told(PROD), tmp_path)
    one = {"alertname": "CeleryQueueBacklog", "queue": "labeling", "namespace": "imagineer-prod"}

    assert receiver(monitoring_tools, path, one | {"severity": "none"}) == "silent"
    assert receiver(monitoring_tools, path, one | {"severity": "page"}) == "page"
    other = one | {"severity": "page", "namespace": "imagineer-staging"}
    assert receiver(monitoring_tools, path, other) == "silent"
