"""SECURITY.md names tests that are there, and each threat has at least one."""

import ast
import re

import pytest

from tests.unit.recorder import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
TABLE = TEXT.split("| Asset | Threat | Control | Test |\n")[1].split("\n\n")[0]
ROWS = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in TABLE.splitlines()[1:]]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:2])[:60])
def test_a_threat_has_a_control_and_tests_that_are_there(row: list[str]) -> None:
    asset, threat, control, tests = row

    assert all((asset, threat, control))
    assert NAMED.findall(tests)
    assert NAMED.sub("", tests).strip() == ""
    for file, name in NAMED.findall(tests):
        assert (ROOT / file).is_file(), file
        assert not name or name in names_in(file), f"{file}::{name}"


def test_every_asset_of_the_fleet_is_there() -> None:
    assets = {row[0] for row in ROWS}

    assert assets >= {
        "API's token",
        "Availability",
        "Beat's schedule",
        "Broker's password",
        "KEDA's broker user",
        "Messages",
        "Metadata service",
        "Operator's workstation",
        "Previews",
        "Pulumi's state",
        "Results",
        "Roles",
        "Supply chain",
        "Worker image",
        "redis-exporter's broker user",
    }


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", TEXT)

    assert len(links) >= 3
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_its_commands_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"`make\s+([a-z-]+)", TEXT))
    assert named >= {"audit", "sbom", "secrets", "lock"}
    assert named <= targets
