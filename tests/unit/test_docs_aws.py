"""The pages about AWS tell of stacks as they are: keys, contract, costs, sizes, diagram."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.planning import aws_cost
from fleet.planning.forecast import forecast
from infra import schema
from infra.config import API_TOKEN_KEY, PROJECT, REGION_KEY, load_file
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.sizing import visibility_timeout_s
from tests.unit.aws_stage import opened, stack
from tests.unit.docs_pages import EVERYTHING, PAGES, SPANS, blocks, commands
from tests.unit.recorder import ROOT


def stated(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(path.read_text())["config"]
    return config


def accepted(config: dict[str, Any], folder: Path) -> FleetConfig:
    """What `pulumi up` reads out of a stack file, or its error."""
    path = folder / "Pulumi.doc.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    return load_file(path)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_each_piece_of_a_stack_file_makes_a_stack_that_is_accepted(
    block: str, tmp_path: Path
) -> None:
    piece = yaml.safe_load(block)["config"]
    preview = piece.get(f"{PROJECT}:tier") == "preview"
    whole = stated(ROOT / f"Pulumi.{'staging' if preview else 'prod'}.yaml")

    config = {**whole, **piece}
    assert accepted(config, tmp_path).tier == config[f"{PROJECT}:tier"]


@pytest.mark.parametrize("command", sorted(commands("pulumi config set")))
def test_each_setting_is_a_key_with_a_value_that_fits(command: str, tmp_path: Path) -> None:
    words = [word for word in shlex.split(command)[3:] if not word.startswith("-")]
    if "--secret" in command:
        assert words[0] == API_TOKEN_KEY
        return
    key, value = words[0], yaml.safe_load(words[1]) if "$(" not in words[1] else "0a1b2c3"
    config = stated(ROOT / "Pulumi.prod.yaml")
    first, *rest = re.split(r"\.|\[", key.replace("]", ""))
    place: Any = config
    name: Any = first if first == REGION_KEY else f"{PROJECT}:{first}"
    for part in rest:
        place = place.setdefault(name, {}) if isinstance(place, dict) else place[name]
        name = int(part) if part.isdigit() else part
    # Pulumi keeps a decimal as text.
    place[name] = str(value) if isinstance(value, float) else value

    accepted(config, tmp_path)


def properties(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part["properties"] if isinstance(part.get("properties"), dict) else ()
        for inner in part.values():
            yield from properties(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from properties(inner)


def test_each_key_in_the_text_is_one_of_a_stack_file() -> None:
    known = {key.removeprefix(f"{PROJECT}:") for key in properties(schema.document())}
    camel = {span for span in SPANS if re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", span)}
    dotted = {span for span in SPANS if re.fullmatch(r"[a-z]\w+(\.[a-z]\w+)+", span)}
    paths = {s for s in dotted if s.split(".")[0] in known and f"base.{s}" not in contract()}
    assert {"publicAccessCidrs", "nodeGroups"} <= camel
    assert {"cluster.admins", "broker.credentials.active"} <= paths

    assert camel <= known
    assert {part for path in paths for part in path.split(".")} <= known


def contract() -> set[str]:
    base = opened(stack("staging").outputs["base"])
    inner = {f"base.{k}.{n}" for k, v in base.items() if isinstance(v, dict) for n in v}
    return inner | {f"base.{k}" for k, v in base.items() if not isinstance(v, dict)}


def test_the_output_for_previews_is_told_whole() -> None:
    table = PAGES["aws.md"].split("| Key of `base` |")[1].split("\n\n")[0]
    told = {f"base.{key}" for row in table.splitlines() for key in keys_of(row)}

    assert told | {"base.version"} == contract()
    version = opened(stack("staging").outputs["base"])["version"]
    assert f"`base.version` is {version};" in EVERYTHING


def keys_of(row: str) -> list[str]:
    return re.findall(r"`([a-zA-Z.]+)`", row.split("|")[1]) if row.startswith("| `") else []


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_costs_are_those_that_fleet_plan_prints(name: str) -> None:
    fleet = load_file(ROOT / f"Pulumi.{name}.yaml")
    bill = aws_cost.parts(fleet, [forecast(fleet, worker) for worker in fleet.workers])
    rest = sum(each.rest_usd or 0 for each in bill)
    load = sum(each.load_usd or 0 for each in bill)

    assert f"| {name} | {rest:,.0f} | {load:,.0f} |" in PAGES["aws.md"]


def test_sizes_and_times_are_the_stacks_own() -> None:
    prod, staging = stack("prod"), stack("staging")
    sizes = [len(each.resources) + 1 for each in (prod, staging)]  # and the stack itself
    assert "Prod has {} resources, staging {}.".format(*sizes) in EVERYTHING
    fleet = prod.config
    grace_s = max(plan(fleet, worker).grace_s for worker in fleet.workers)
    assert f"grace ({grace_s // 60} minutes in prod)" in EVERYTHING
    visible_s = visibility_timeout_s(fleet.broker, fleet.workers.values(), fleet.queues)
    assert f"visibility timeout ({visible_s // 60} minutes in prod)" in EVERYTHING


def test_the_diagram_is_a_flowchart_of_declared_parts() -> None:
    (diagram,) = blocks("mermaid")
    head, *lines = diagram.splitlines()
    label = r'(\w+)\["[^"\[\]]+"\]'
    edges = [re.fullmatch(r' +(\w+) (?:-- "[^"]+" )?--> (\w+)', line) for line in lines]
    groups = [re.fullmatch(rf" +subgraph {label}", line) for line in lines]
    nodes = [re.fullmatch(rf" +{label}", line) for line in lines]
    ends = [line for line in lines if line.strip() == "end"]
    declared = [found[1] for found in (*groups, *nodes) if found]
    joined = [found for found in edges if found]

    assert head == "flowchart TB"
    assert len(declared) + len(joined) + len(ends) == len(lines)
    assert len(ends) == sum(found is not None for found in groups)
    assert len(declared) == len(set(declared))
    assert {end for found in joined for end in found.groups()} <= set(declared)
