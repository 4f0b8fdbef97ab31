"""promtool accepts every stack's alert rules, and they fire when they should, and end."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import load_file
from infra.manifests.prometheus_rule import rule_file
from rehearsal.toolchain import MonitoringTools
from tests.rehearsal import alert_cases, alert_cases_below, alert_cases_workers
from tests.rehearsal.promtool import Case, document, own, run

pytestmark = pytest.mark.rehearsal

ROOT = Path(__file__).resolve().parents[2]
STACKS = [*sorted((ROOT / "stacks").glob("*.yaml")), *sorted(ROOT.glob("Pulumi.[ps]*.yaml"))]
CASES = (*alert_cases.CASES, *alert_cases_workers.CASES, *alert_cases_below.CASES)
# Labels that tell rules of one name apart which ask for other things.
KINDS = ("in_flight", "level", "pull")


@pytest.fixture(scope="session")
def promtool(monitoring_tools: MonitoringTools) -> Path:
    return monitoring_tools.promtool


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prod's rules, as a file."""
    path = tmp_path_factory.mktemp("rules") / "prod.yaml"
    path.write_text(rule_file(load_file(ROOT / "Pulumi.prod.yaml"), "prod"))
    return path


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_promtool_accepts_the_rules_of_every_stack(
    promtool: Path, stack: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rule_file(load_file(stack), stack.stem))
    rules = [
        rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
    ]

    printed = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", path)

    assert f"SUCCESS: {len(rules)} rules found" in printed


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.told)
def test_an_alert_fires_when_it_should_and_ends(
    promtool: Path, rules: Path, tmp_path: Path, case: Case
) -> None:
    # Days of minutes, with every rule, would take a minute.
    alone, path = tmp_path / "rules.yaml", tmp_path / "test.yaml"
    groups = yaml.safe_load(rules.read_text())["groups"]
    named = [r for group in groups for r in group["rules"] if r["alert"] == case.alert]
    alone.write_text(yaml.safe_dump({"groups": [{"name": "alone", "rules": named}]}))
    path.write_text(document(case, alone))

    assert "SUCCESS" in run(promtool, "test", "rules", path)


def test_what_is_told_names_queue_number_severity_and_page(
    promtool: Path, rules: Path, tmp_path: Path
) -> None:
    told: dict[str, Any] = {
        "exp_labels": {
            "severity": "page",
            "stack": "prod",
            "namespace": "imagineer-prod",
            "queue": "scraping",
        },
        "exp_annotations": {
            "summary": "Queue scraping: more than 25 messages wait",
            "description": "40 messages wait in queue scraping; more than 25 have for 15 minutes.",
            "runbook_url": "docs/runbooks/CeleryQueueBacklog.md",
        },
    }
    test = {
        "interval": "1m",
        "input_series": [
            {"series": own("fleet_queue_pending", queue="scraping"), "values": "40x40"}
        ],
        "alert_rule_test": [
            {"eval_time": "20m", "alertname": "CeleryQueueBacklog", "exp_alerts": [told]}
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rules)], "tests": [test]}))

    assert "SUCCESS" in run(promtool, "test", "rules", path)


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_ends(rules: Path) -> None:
    def kind(alert: str, labels: dict[str, str]) -> tuple[str, ...]:
        return (alert, *(labels[name] for name in KINDS if name in labels))

    groups = yaml.safe_load(rules.read_text())["groups"]
    wanted = {kind(rule["alert"], rule["labels"]) for group in groups for rule in group["rules"]}

    assert wanted == {kind(c.alert, c.labels) for c in CASES if c.fires}
    assert wanted == {kind(c.alert, c.labels) for c in CASES if max(c.quiet) > max(c.fires or [0])}
