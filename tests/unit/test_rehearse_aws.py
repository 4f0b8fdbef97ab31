"""What a rehearsal of a stack on AWS stages, and how it leaves the checkout alone."""

from pathlib import Path

import pytest
import yaml
from moto.core import DEFAULT_ACCOUNT_ID
from rich.console import Console

from fleet import rehearse, rehearsed_copy
from fleet.project import Project
from fleet.rehearsal_spec import rehearsal_spec
from infra.config import load_file
from infra.manifests.releases import releases
from rehearsal.broker.account import OPERATOR, Account
from rehearsal.broker.config import render_access_list
from rehearsal.cloud import program
from rehearsal.cloud.stage import NodeGroup as CloudGroup
from rehearsal.cloud.stage import Stage
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.node_autoscaler.machines import Machines
from rehearsal.plugins.kubernetes_provider import known_charts
from rehearsal.spec import LaunchedNodes, RehearsalSpec
from tests.unit.aws_stack import aws_stack, write_stack_file
from tests.unit.recorder import IMAGINEER, ROOT

GROUP = CloudGroup("prod-gpu", 0, 2, {"cpu": "4"}, {"group": "gpu"})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "checkout"
    (root / "infra").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "Pulumi.yaml").write_text("name: celery-fleet\n")
    write_stack_file(root / "Pulumi.prod.yaml")
    return Project(root, root / ".state")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path)
    spec = RehearsalSpec(nodes=(), images=(), aws=True)
    found.spec_file.write_text(spec.model_dump_json())
    return found


def test_of_a_stack_on_aws_its_stand_in_says_which_nodes_there_are(project: Project) -> None:
    spec = rehearsal_spec(project, {"prod": aws_stack(monitoring={"kind": "existing"})})

    assert spec.aws
    assert (spec.nodes, spec.node_groups) == ((), ())


def test_an_image_that_is_built_runs_from_the_accounts_repository(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.rehearsal_spec.ensure_redis_exporter", lambda _: Path("/exporter"))
    monitoring = {"kind": "existing", "redisExporter": True}
    built = aws_stack(image={"build": {"revision": "1"}}, monitoring=monitoring)
    image, exporter = rehearsal_spec(project, {"prod": built}).images

    host = f"{DEFAULT_ACCOUNT_ID}.dkr.ecr.eu-central-1.amazonaws.com"
    assert image.repository == f"{host}/fleet-prod/worker"
    for each in (image, exporter):
        assert each.env["SSL_CERT_FILE"].startswith(str(project.rehearsal))


def test_a_node_group_made_in_aws_gets_nodes_and_one_deleted_loses_them(layout: Layout) -> None:
    stage = Stage(root=layout.root, launch_s=0)
    stage.keep(GROUP)
    machines = Machines(layout, layout.read_staged().node_groups)
    (group,) = machines.groups
    machines.launch(group, 0, now_s=0)
    machines.settle(now_s=1)
    assert [node.name for node in machines.nodes()] == ["prod-gpu-0"]

    stage.drop(GROUP.name)
    machines.adopt(layout.read_staged().node_groups)

    assert list(machines.nodes()) == []
    assert layout.read_launched_nodes() == LaunchedNodes(numbers={})


def test_a_node_group_whose_minimum_is_raised_is_filled_at_once(layout: Layout) -> None:
    stage = Stage(root=layout.root)
    stage.keep(GROUP)
    machines = Machines(layout, layout.read_staged().node_groups)

    stage.keep(CloudGroup("prod-gpu", 2, 2, {"cpu": "4"}, {"group": "gpu"}))
    machines.adopt(layout.read_staged().node_groups)

    assert machines.numbers == {"prod-gpu": {0, 1}}


def test_without_aws_a_file_that_it_left_counts_for_nothing(layout: Layout) -> None:
    Stage(root=layout.root).keep(GROUP)
    layout.spec_file.write_text(RehearsalSpec(nodes=(), images=()).model_dump_json())

    assert layout.read_staged().node_groups == ()


def test_only_the_operator_may_administer_the_broker() -> None:
    lines = render_access_list(Account("fleet", "one"), Account(OPERATOR, "two")).splitlines()

    (operator,) = [line for line in lines if line.startswith(f"user {OPERATOR} ")]
    (fleet,) = [line for line in lines if line.startswith("user fleet ")]
    assert operator.endswith("~* &* +@all")
    assert "-acl" in fleet
    assert OPERATOR not in render_access_list(Account("fleet", "one"))


def test_every_chart_that_the_stacks_pin_is_known_to_the_stand_in() -> None:
    for stack in ("prod", "staging"):
        for release in releases(load_file(ROOT / f"Pulumi.{stack}.yaml")):
            named = (release.repository, release.chart, release.version)
            assert known_charts.problem(*named) is None


@pytest.mark.parametrize(
    ("chart", "version", "told"),
    [("kedaa", "2.21.0", "no chart 'kedaa'"), ("keda", "2.99.0", "version 2.99.0 of chart keda")],
)
def test_a_misspelt_chart_and_an_unheard_of_version_are_named(
    chart: str, version: str, told: str
) -> None:
    repository = next(repo for repo, name in known_charts.VERSIONS if name == "keda")

    assert told in (known_charts.problem(repository, chart, version) or "")


def test_a_rehearsal_works_on_a_copy_and_needs_no_secret_of_the_stack(project: Project) -> None:
    file = project.stack_file("prod")
    secret = {"secure": "v1:abc"}
    closed = {"secretsprovider": "awskms://alias/fleet", "encryptedkey": "AQ=="}
    document = yaml.safe_load(file.read_text()) | closed
    document["config"]["celery-fleet:apiToken"] = secret
    file.write_text(yaml.safe_dump(document))
    before = file.read_text()

    copy = rehearsed_copy.make(project, "prod")

    assert file.read_text() == before
    copied = copy.stack_file("prod").read_text()
    assert "secure" not in copied
    assert not closed.keys() & yaml.safe_load(copied).keys()
    assert load_file(copy.stack_file("prod")) == load_file(file)
    assert sorted(path.name for path in copy.root.iterdir() if path.is_symlink()) == [
        ".venv",
        "Pulumi.yaml",
        "infra",
    ]


def test_a_stack_that_owns_nothing_on_aws_is_not_rehearsed_so(project: Project) -> None:

    project.stack_file("local").write_text(IMAGINEER.read_text())

    with pytest.raises(RehearsalError, match="stack local owns nothing on AWS"):
        rehearse.run(project, "local", Console(quiet=True))


def test_awss_stand_in_that_has_not_told_its_port_is_not_ready(tmp_path: Path) -> None:
    assert program.cloud_problem(tmp_path) == "it has not told its port yet"


def test_each_kind_of_change_counts_and_what_stays_does_not() -> None:
    printed = "Resources:\n    + 1 created\n    ~ 2 updated\n    +-3 replaced\n    130 unchanged\n"

    assert rehearse.touched(printed) == 6
