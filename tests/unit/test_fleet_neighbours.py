"""Two stack files that claim the same keys or objects are refused by both their names."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from fleet import neighbours
from fleet.progress import Progress
from fleet.project import Project
from fleet.up import Up
from infra.config import load_file
from rehearsal.errors import RehearsalError
from tests.unit.aws_stack import write_stack_file
from tests.unit.recorder import IMAGINEER

PREFIX = "celery-fleet:"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.local.yaml").write_text(IMAGINEER.read_text())
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    return Project(tmp_path, tmp_path / "state")


def add(project: Project, stack: str, key_prefix: str = "", **changes: Any) -> None:
    document = yaml.safe_load(IMAGINEER.read_text())
    config = document["config"]
    config[f"{PREFIX}namespace"] = f"fleet-{stack}"
    config[f"{PREFIX}broker"]["keyPrefix"] = key_prefix
    config |= {PREFIX + key: value for key, value in changes.items()}
    project.stack_file(stack).write_text(yaml.safe_dump(document))


def check(project: Project, stack: str) -> None:
    neighbours.check(project, stack, load_file(project.stack_file(stack)))


def problem(project: Project, stack: str) -> str | None:
    try:
        check(project, stack)
    except RehearsalError as error:
        return error.what
    return None


def test_stacks_with_keys_of_their_own_may_share_a_broker(project: Project) -> None:
    add(project, "blue", "blue:")

    assert problem(project, "blue") is None
    assert problem(project, "local") is None


def test_one_broker_with_one_prefix_is_refused_whichever_stack_comes_up(project: Project) -> None:
    add(project, "copy")

    for stack, other in (("copy", "local"), ("local", "copy")):
        with pytest.raises(RehearsalError) as refused:
            check(project, stack)

        assert refused.value.what == (
            f"Pulumi.{stack}.yaml and Pulumi.{other}.yaml state the same broker "
            "(rehearsal/broker) and broker.keyPrefix ''"
        )


def test_one_namespace_is_refused_even_with_two_prefixes(project: Project) -> None:
    add(project, "copy", "copy:", namespace="celery-fleet-local")

    with pytest.raises(RehearsalError, match="both state celery-fleet:namespace celery-fleet-loc"):
        check(project, "copy")


def test_a_broker_of_that_name_in_another_cluster_is_another_broker(project: Project) -> None:
    cluster = {"kind": "existing", "context": "eks-prod", "storageClass": "efs"}
    add(project, "prod", cluster=cluster)

    assert problem(project, "prod") is None


def test_a_neighbour_that_is_wrong_itself_is_left_alone(project: Project) -> None:
    project.stack_file("torn").write_text("config: [")

    assert problem(project, "local") is None


def test_a_refused_stack_leaves_no_file_that_would_be_in_the_others_way(project: Project) -> None:
    (project.root / "stacks").symlink_to(IMAGINEER.parent)
    up = Up(project, "imagineer", Progress(Console(quiet=True)))

    with pytest.raises(RehearsalError, match=r"Pulumi.imagineer.yaml and Pulumi.local.yaml both"):
        up._read_stack()

    assert not project.stack_file("imagineer").exists()
    assert problem(project, "local") is None


def test_every_shipped_stack_may_come_up_beside_the_others(project: Project) -> None:
    for template in IMAGINEER.parent.glob("*.yaml"):
        if template != IMAGINEER:
            project.stack_file(template.stem).write_text(template.read_text())

    for path in project.root.glob("Pulumi.*.yaml"):
        assert problem(project, path.name.split(".")[1]) is None


def test_stacks_on_aws_share_nothing_unless_they_name_one_cluster(project: Project) -> None:
    write_stack_file(project.stack_file("prod"))
    write_stack_file(project.stack_file("abroad"), region="us-east-1")
    assert problem(project, "prod") is None

    write_stack_file(project.stack_file("copy"))
    with pytest.raises(RehearsalError, match="both state celery-fleet:namespace fleet-prod"):
        check(project, "copy")
