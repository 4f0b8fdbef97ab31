"""The pages about AWS name commands, options, files, URNs and permissions that exist."""

import dataclasses
import importlib
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest
import typer
from botocore import xform_name

from fleet.aws import account, readers
from fleet.aws.service_checks import _ROLE_NAMES
from fleet.cli import app
from infra.config import PROJECT
from infra.outputs import FleetOutputs
from tests.unit.aws_stage import stack
from tests.unit.docs_pages import EVERYTHING, PAGES, SPANS, blocks, commands
from tests.unit.recorder import ROOT
from worker_image.api_models import CreateRequest, QueueAnswer

# Of the AWS CLI itself, or spelt otherwise by it than by the API.
CLI_OWN = {("ecr", "get-login-password"), ("eks", "get-token"), ("configure", "sso")}
CLI_RENAMED = {"kubernetes-version": "version"}
# IAM's words for the services that types of the SDK are grouped by.
IAM_PREFIX = {"efs": "elasticfilesystem"}


def test_each_command_of_fleet_exists_with_its_options() -> None:
    group = typer.main.get_command(app)
    found = commands("fleet")
    assert {"fleet doctor --aws -s prod", "fleet plan -s prod"} <= found

    for one in found:
        name, *arguments = shlex.split(one, comments=True)[1:]
        command = group.commands[name]  # type: ignore[attr-defined]  # a click group
        if name in {"export", "dead", "campaign"}:
            name, *arguments = arguments
            command = command.commands[name]
        command.make_context(name, arguments)


def test_each_target_of_make_each_file_and_each_output_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {shlex.split(one)[1] for one in commands("make")}
    assert "rehearse" in asked
    assert asked <= targets
    outputs = {shlex.split(one)[3] for one in commands("pulumi stack output")}
    assert outputs
    assert outputs <= {field.name for field in dataclasses.fields(FleetOutputs)}
    for name, text in PAGES.items():
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / "docs" / name).parent.joinpath(link).is_file(), (name, link)
    for span in SPANS:
        if re.match(r"(infra|worker_image|stacks|docs)/", span):
            assert (ROOT / span).exists(), span


def test_each_target_of_an_update_is_a_resource_of_prod() -> None:
    found = stack("prod").resources
    urns = [f"urn:pulumi:prod::{PROJECT}::{urn(each.urn)}" for each in found]
    targets = re.findall(r"--target '([^']+)'", EVERYTHING)
    assert len(targets) == 4

    for target in targets:
        wanted = re.escape(target).replace(r"\*\*", ".*").replace(r"\*", "[^:]*")
        assert any(re.fullmatch(wanted, one) for one in urns), target


def urn(mocked: str) -> str:
    """Without stack and project: the mock names the stack as parent, the engine does not."""
    return mocked.split("::", 2)[2].removeprefix("pulumi:pulumi:Stack$")


def test_alarms_releases_and_requests_are_the_fleets_own() -> None:
    prod = stack("prod")
    secrets = {"broker-keda", "broker-exporter", "broker-producer"}
    alarms = {span for span in SPANS if span.startswith("broker-")} - secrets
    assert alarms
    assert alarms <= set(prod.of("MetricAlarm"))
    assert all(name in PAGES["runbooks/aws-upgrade.md"] for name in prod.of("Release"))
    bodies = re.findall(r"-d '(\{.*?\})'$", EVERYTHING, re.MULTILINE | re.DOTALL)
    assert len(bodies) > 1
    for body in bodies:
        sent = CreateRequest(**json.loads(body))
        module, _, task = sent.task.rpartition(".")
        function = getattr(importlib.import_module(module), task)
        inspect.signature(function).bind(**sent.kwargs)
    assert {"pending", "in_flight", "failed"} <= set(QueueAnswer.model_fields) & SPANS
    modules = (ROOT / "worker_image").glob("api_*routes.py")
    routes = "".join(module.read_text() for module in modules)
    for path in ("/create", "/result/", "/api/v1/fleet/queues"):
        assert f"localhost:8000{path}" in EVERYTHING
        assert f'"{path}' in routes


@pytest.mark.parametrize("command", sorted(commands("aws")))
def test_each_command_of_the_aws_cli_exists_with_its_options(command: str) -> None:
    service, operation, *arguments = shlex.split(command)[1:]
    if (service, operation) in CLI_OWN:
        return
    session = botocore.session.get_session()
    model = session.get_service_model("s3" if service == "s3api" else service)
    if operation == "wait":
        waiters = session.get_waiter_model(service)
        called = {xform_name(each, "-"): each for each in waiters.waiter_names}[arguments[0]]
        operation = xform_name(waiters.get_waiter(called).operation, "-")
    known = {xform_name(each, "-"): each for each in model.operation_names}
    shape = model.operation_model(known[operation]).input_shape
    members = {xform_name(each, "-") for each in (shape.members if shape else {})}

    for option in (word.removeprefix("--") for word in arguments if word.startswith("--")):
        assert option in members or CLI_RENAMED.get(option) in members, (option, members)


def actions(*sids: str) -> list[str]:
    statements = json.loads(blocks("json")[0])["Statement"]
    return [action for one in statements if one["Sid"] in sids for action in one["Action"]]


def test_the_operators_policy_covers_what_is_made_and_what_is_looked_at() -> None:
    made = {r.typ.split(":")[1].split("/")[0] for r in stack("prod").aws()} | {"logs"}
    allowed = {action.split(":")[0] for action in actions("Make", "Budget", "Roles")}
    assert {IAM_PREFIX.get(service, service) for service in made} == allowed

    for service, call in asked_by_doctor():
        wanted = f"{service.replace('-', '')}:{call}"
        assert any(fnmatchcase(wanted, each.lower()) for each in actions("Look")), wanted


def asked_by_doctor() -> Iterator[tuple[str, str]]:
    text = "".join(Path(str(each.__file__)).read_text() for each in (readers, account))
    pages = re.findall(r'_pages\(account, "([\w-]+)", "(\w+)"', text)
    single = re.findall(r'client\("([\w-]+)"[^)]*\)\s*\.(\w+)\(', text)
    assert len(pages) > 5
    assert len(single) > 2
    own = [("service-quotas", "get_service_quota"), ("ec2", "describe_addresses")]
    for service, call in (*pages, *single, *own):
        yield service, call.replace("_", "")


def test_the_operators_policy_names_every_role() -> None:
    statements = {one["Sid"]: one for one in json.loads(blocks("json")[0])["Statement"]}
    patterns = [each.rsplit("/", 1)[1] for each in statements["Roles"]["Resource"]]
    roles = [f"{name}-1a2b3c4" for name in stack("prod").of("Role")]
    assert all(any(fnmatchcase(role, each) for each in patterns) for role in roles)
    condition = statements["ServiceRoles"]["Condition"]["StringEquals"]
    assert set(_ROLE_NAMES) <= set(condition["iam:AWSServiceName"])
