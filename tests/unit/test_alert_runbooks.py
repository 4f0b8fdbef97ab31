"""Every alert has a page of its own for whoever is on call, and every page an alert."""

import re
from pathlib import Path

import pytest

from infra.alerts import alert_groups
from infra.config import load_file
from tests.unit.recorder import ROOT, imagineer

FOLDER = ROOT / "docs" / "runbooks"
PROD = load_file(ROOT / "Pulumi.prod.yaml")
ALERTS = {
    rule.alert
    for config in (PROD, imagineer())
    for group in alert_groups(config)
    for rule in group.rules
}
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.stem[0].isupper())
PARTS = ("What users feel", "Look", "Mend", "Prevent")


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {path.stem for path in PAGES} == ALERTS


def test_the_table_of_alerts_names_each_once() -> None:
    table = (ROOT / "docs" / "operations.md").read_text().split("| About | Alerts |")[1]
    links = re.findall(r"\[(\w+)\]\(runbooks/(\w+)\.md\)", table)

    assert sorted(page for _, page in links) == sorted(ALERTS)
    assert all(name == page for name, page in links)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_it_means_what_to_look_at_and_how_to_mend(page: Path) -> None:
    text = page.read_text()
    title, meaning = text.split("\n\n", 2)[:2]

    assert title == f"# {page.stem}"
    assert len(meaning) > 60
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == PARTS
    look = text.split("## Look\n")[1].split("\n## ")[0]
    assert "```console\n$ " in look
    assert len(text.splitlines()) <= 60, "a page, no more"
