"""Whoever comes with a symptom finds a row, and each row leads somewhere."""

import re

import pytest

from infra.alerts.routes.inhibition import inhibitions
from infra.alerts.routes.tree import _PACES
from infra.alerts.rule import duration
from infra.config import load_file
from infra.schema import text as schema_text
from tests.unit.recorder import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "troubleshooting.md").read_text()
ALERTS = (DOCS / "alerts.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| What you see")
]
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)\)")
PAGES = sorted(path.stem for path in (DOCS / "runbooks").glob("[A-Z]*.md"))
# What operators of the systems that this one takes over have written down.
KNOWN = (
    ("pending", "nothing starts", "CeleryQueueUnserved"),
    ("pending", "none waiting", "CeleryListUnowned"),
    ("wait long", "", "CeleryQueueBacklog"),
    ("memory", "Workers", "CeleryQueueRedeliveries"),
    ("Tasks fail", "", "CeleryQueueFailures"),
    ("SoftTimeLimitExceeded", "", "CeleryQueueFailures"),
    ("Redis' memory", "", "RedisMemory"),
    ("Scheduled tasks do not run", "", "CeleryBeatAbsent"),
    ("wrong time", "", "CeleryScheduleNotSent"),
    ("prefetch", "", "CeleryQueueWaitSlowBurn"),
    ("ETA", "", "CeleryQueueRedeliveries"),
    ("One user", "", "operations.md"),
    ("Training is idle", "", "CeleryCampaignIdle"),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_says_what_is_seen_why_and_where_to_read_on(row: list[str]) -> None:
    seen, cause, look = row
    links = LINK.findall(look)

    assert seen
    assert cause
    assert links or "`" in look
    for name, target in links:
        assert (DOCS / target).is_file(), target
        assert name in {target, target.removeprefix("runbooks/").removesuffix(".md")}


def test_every_runbook_is_found_by_a_symptom() -> None:
    linked = {target for _, target in LINK.findall(PAGE)}

    assert {f"runbooks/{page}.md" for page in PAGES} <= linked


@pytest.mark.parametrize(("words", "more", "page"), KNOWN, ids=str)
def test_symptoms_that_are_known_have_a_row(words: str, more: str, page: str) -> None:
    found = [row for row in ROWS if words in " ".join(row[:2]) and more in " ".join(row[:2])]

    assert any(page in row[2] for row in found), found


def test_settings_that_the_pages_name_are_keys_of_a_stack_file() -> None:
    keys = set(re.findall(r'"([a-zA-Z]+)": ', schema_text()))
    named = set(re.findall(r"`([a-z]+[A-Z][A-Za-z]+)`", PAGE + ALERTS))

    assert len(named) > 5
    assert named <= keys


def test_the_page_of_routes_tells_the_paces_and_the_causes_that_there_are() -> None:
    for severity, pace in _PACES.items():
        row = next(line for line in ALERTS.splitlines() if line.startswith(f"| {severity} |"))
        told = [cell.strip().replace(" min", "m").replace(" ", "") for cell in row.split("|")[2:5]]
        assert told == [duration(each) for each in (pace.wait_s, pace.interval_s, pace.repeat_s)]
    table = ALERTS.split("| While this fires |")[1]
    causes = {
        name
        for rule in inhibitions(load_file(ROOT / "Pulumi.prod.yaml"))
        for matcher in rule.cause
        if matcher.label == "alertname"
        for name in matcher.values
    }
    first_cells = " ".join(line.split("|")[1] for line in table.splitlines() if "](" in line)
    assert {name for name, _ in LINK.findall(first_cells)} == causes
