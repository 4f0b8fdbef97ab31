"""How previews reach a cluster that their base has made: without a kubeconfig of the user's."""

from pathlib import Path

import pytest

from fleet.cluster_place import VARIABLE, ClusterElsewhere
from fleet.previews.place import Place
from fleet.project import Project
from infra.manifests.aws.kubeconfig import kubeconfig
from tests.unit.preview_stage import base, preview
from tests.unit.stand_ins import StandIn, stand_in

TOLD = kubeconfig("imagineer-staging", "https://api.test", "Y2E=", "us-east-1")


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def place(tmp_path: Path, of: str = "staging") -> Place:
    pulumi = tmp_path / "bin" / "pulumi"
    return Place(Project(tmp_path, tmp_path / "state"), of, base(of).config, pulumi, {})


def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> StandIn:
    return stand_in("pulumi", tmp_path, monkeypatch, {"stdout": TOLD, "code": code})


def test_the_bases_own_is_asked_once_and_kept_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pulumi(tmp_path, monkeypatch)
    where = place(tmp_path)

    path = Path(where.kubeconfig)

    assert where.environ[VARIABLE] == str(path)
    (call,) = asked.calls
    assert call["args"] == [
        *("stack", "output", "kubeconfig", "--show-secrets", "--stack", "staging")
    ]
    assert path.read_text() == TOLD
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.is_relative_to(tmp_path / "state")


def test_it_has_the_context_that_a_previews_stack_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch)
    config = preview("staging")

    assert (
        ClusterElsewhere(place(tmp_path).kubeconfig, "preview-x", config).context()
        == "imagineer-staging"
    )


def test_one_that_the_environment_names_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pulumi(tmp_path, monkeypatch)
    monkeypatch.setenv(VARIABLE, "/etc/own")

    assert place(tmp_path).kubeconfig == "/etc/own"
    assert not asked.calls


def test_where_the_base_tells_none_it_is_kubectls_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch, code=1)

    assert place(tmp_path).kubeconfig == str(tmp_path / "home" / ".kube" / "config")
    assert not (tmp_path / "state").exists()


def test_a_base_on_a_cluster_of_others_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pulumi(tmp_path, monkeypatch)
    own = base("staging").config
    elsewhere = own.model_copy(update={"cluster": preview("staging").cluster})
    where = Place(Project(tmp_path, tmp_path / "state"), "staging", elsewhere, tmp_path, {})

    assert where.kubeconfig.endswith(".kube/config")
    assert not asked.calls
