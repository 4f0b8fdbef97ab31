"""What is known of a preview that several checkouts may have brought up, beside which base."""

import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from rich.console import Console

from fleet.previews import down, records, up
from fleet.previews.up import write
from fleet.project import Project
from fleet.stack_file import TOKEN_KEY
from infra.models.preview import PreviewSpec
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import CREATED, EXPIRES, NAME, Telling, base, wish

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
LATER = EXPIRES + timedelta(days=7)


@pytest.fixture
def project(tmp_path: Any) -> Project:
    return Project(tmp_path, tmp_path / "state")


def spec(**changes: Any) -> PreviewSpec:
    given = {"base": "local", "branch": "b", "created_at": CREATED, "expires_at": EXPIRES}
    return PreviewSpec.model_validate({**given, **changes})


def marks(project: Project, told: PreviewSpec | None, beside: str | None = None) -> Any:
    return records.marks(project, Telling(told), NAME, base=beside)  # type: ignore[arg-type]  # a stand-in


def test_a_stack_that_another_checkout_has_renewed_counts_more_than_an_old_file(
    project: Project,
) -> None:
    write(project, base("local"), wish())

    found = marks(project, spec(expires_at=LATER))

    assert found.expires_at == LATER


def test_a_file_of_an_up_that_was_cut_short_counts_more_than_the_stack(project: Project) -> None:
    write(project, base("local"), wish(expires_at=LATER))

    assert marks(project, spec()).expires_at == LATER


def test_either_alone_is_enough_and_neither_is_nothing(project: Project) -> None:
    assert marks(project, None) is None
    assert marks(project, spec()) == spec()
    write(project, base("local"), wish())
    assert marks(project, None, "local").base == "local"


def test_one_that_lives_beside_another_base_is_refused_by_stack_and_by_file(
    project: Project,
) -> None:
    with pytest.raises(RehearsalError, match=f"preview {NAME} lives beside local") as refused:
        marks(project, spec(), "staging")
    assert "--base local" in refused.value.mend

    write(project, base("local"), wish())
    with pytest.raises(RehearsalError, match="lives beside local"):
        marks(project, None, "staging")


def test_down_beside_another_base_touches_nothing(project: Project) -> None:
    class Engine(Telling):
        """Fails where more is asked of it than what there is."""

        def previews(self) -> dict[str, object]:
            return {NAME: object()}

    where: Any = SimpleNamespace(project=project, base="staging")
    engine: Any = Engine(spec())

    with pytest.raises(RehearsalError, match="lives beside local"):
        down.run(where, engine, NAME, Console(file=io.StringIO()))


@pytest.mark.parametrize("here", [True, False])
def test_a_token_that_only_the_cluster_knows_stays(project: Project, *, here: bool) -> None:
    write(project, base("local"), wish())
    if here:
        path = project.stack_file(NAME)
        document = yaml.safe_load(path.read_text())
        document["config"][TOKEN_KEY] = {"secure": "v1:abc"}
        path.write_text(yaml.safe_dump(document))
    cluster: Any = SimpleNamespace(secret=lambda *asked: {"token": "/".join(asked)})

    token = up._token(project, NAME, cluster)

    assert token == (None if here else f"{NAME}/api-token")


@pytest.mark.parametrize("found", [None, {"kind": "Deployment"}])
def test_a_preview_without_its_api_was_taken_apart(found: Any) -> None:
    cluster: Any = SimpleNamespace(get={f"{DEPLOYMENTS.format(NAME)}/api": found}.__getitem__)

    assert up._taken_apart(cluster, NAME) is (found is None)


def test_a_new_preview_has_no_token_yet(project: Project) -> None:
    write(project, base("local"), wish())
    cluster: Any = SimpleNamespace(secret=lambda *_: None)

    assert up._token(project, NAME, cluster) is None
