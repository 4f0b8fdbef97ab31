"""What looks at a preview finds its cluster by its base, as `fleet preview` does."""

import shlex
from pathlib import Path
from shutil import copy

import pytest
from rich.console import Console

from fleet.cluster_place import VARIABLE
from fleet.difference import command
from fleet.previews import up
from fleet.previews.kubeconfig import kept_kubeconfig
from fleet.previews.place import Place
from fleet.project import Project
from fleet.session import Session, begin
from infra.manifests.aws.kubeconfig import kubeconfig
from tests.unit.preview_stage import NAME, base, preview, wish
from tests.unit.recorder import ROOT
from tests.unit.stand_ins import stand_in

TOLD = kubeconfig("imagineer-staging", "https://api.test", "Y2E=", "us-east-1")
FILES = {"local": "stacks/imagineer.yaml", "staging": "Pulumi.staging.yaml"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout with both bases, where the shell is; the user names no kubeconfig."""
    root = tmp_path / "a checkout"
    root.mkdir()
    (root / "Pulumi.yaml").write_text("name: celery-fleet\n")
    for stack, file in FILES.items():
        copy(ROOT / file, root / f"Pulumi.{stack}.yaml")
    for name in (VARIABLE, "CELERY_FLEET_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(root)
    return Project(root, root / ".state")


def beside(project: Project, stack: str) -> None:
    up.write(project, base(stack), wish())


def keep(project: Project, stack: str = "staging") -> Path:
    path = kept_kubeconfig(project, stack)
    path.parent.mkdir(parents=True)
    path.write_text(TOLD)
    return path


def used(project: Project, environ: dict[str, str], given: Path | None = None) -> str | None:
    elsewhere = Session(project, NAME, given, environ).elsewhere
    return elsewhere.kubeconfig if elsewhere else None


def test_beside_a_base_of_the_rehearsal_it_is_the_rehearsals_whatever_is_exported(
    project: Project,
) -> None:
    beside(project, "local")
    keep(project, "local")

    assert used(project, {}) is None
    assert used(project, {VARIABLE: "/exported"}) is None
    assert used(project, {VARIABLE: "/exported"}, Path("/given")) == "/given"


def test_beside_another_it_is_what_is_named_and_else_the_bases_own(project: Project) -> None:
    beside(project, "staging")

    assert used(project, {}) is None, "nothing is kept yet"
    kept = keep(project)
    assert used(project, {}) == str(kept)
    assert used(project, {VARIABLE: ""}) == str(kept)
    assert used(project, {VARIABLE: "/exported"}) == "/exported"
    assert used(project, {VARIABLE: "/exported"}, Path("/given")) == "/given"
    elsewhere = Session(project, NAME).elsewhere
    assert elsewhere is not None
    assert elsewhere.context() == "imagineer-staging"


def test_where_the_bases_file_is_gone_what_is_named_leads_there(project: Project) -> None:
    beside(project, "local")
    project.stack_file("local").unlink()

    assert used(project, {VARIABLE: "/exported"}) == "/exported"


def test_the_base_itself_is_not_reached_by_what_was_kept_for_its_previews(
    project: Project,
) -> None:
    keep(project)

    assert Session(project, "staging").elsewhere is None


def test_a_diff_previews_with_the_state_of_the_base_and_reaches_its_cluster(
    project: Project,
) -> None:
    mine = {"PULUMI_BACKEND_URL": "s3://mine", "PATH": "/bin"}

    beside(project, "local")
    rehearsed = command._environ(Session(project, NAME, None, {**mine, VARIABLE: "/exported"}))
    assert rehearsed[VARIABLE] == str(project.kubeconfig)
    assert rehearsed["PULUMI_BACKEND_URL"] == project.backend.as_uri()

    beside(project, "staging")
    kept = {VARIABLE: str(keep(project))}
    assert command._environ(Session(project, NAME, None, mine)) == {**mine, **kept}
    named = {**mine, VARIABLE: "/exported"}
    assert command._environ(Session(project, NAME, None, named)) == named
    assert command._environ(Session(project, "staging", None, mine)) == mine


def place(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> Place:
    """Beside staging, which tells its kubeconfig where the code is 0."""
    stand_in("pulumi", tmp_path, monkeypatch, {"stdout": TOLD, "code": code})
    return Place(project, "staging", base("staging").config, tmp_path / "bin" / "pulumi", {})


def printed(where: Place) -> tuple[list[str], list[str]]:
    """What it says of a preview that is up: the words of kubectl, and of `fleet status`."""
    console = Console(width=80)
    with console.capture() as capture:
        up._tell(console, where, preview("staging"), None, None)
    lines = dict(line.split(maxsplit=1) for line in capture.get().splitlines())
    return shlex.split(lines["API"].partition(" after: ")[2]), shlex.split(lines["look"])


@pytest.mark.parametrize("below", [".", "docs"])
def test_where_the_bases_own_is_used_what_is_printed_works_as_it_is_pasted(
    below: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(project, "staging")
    where = place(project, tmp_path, monkeypatch, 0)
    (project.root / below).mkdir(exist_ok=True)
    monkeypatch.chdir(project.root / below)

    kubectl, look = printed(where)

    assert kubectl[:2] == ["kubectl", "--kubeconfig"]
    assert not Path(kubectl[2]).is_absolute(), "shown in CI, it would be the runner's"
    assert Path(kubectl[2]).read_text() == TOLD
    assert kubectl[3:5] == ["--context", "imagineer-staging"]
    assert look == ["fleet", "status", "-s", NAME]
    elsewhere = begin(NAME).elsewhere
    assert elsewhere is not None
    assert elsewhere.kubeconfig == where.kubeconfig


def test_from_outside_the_checkout_the_whole_path_is_printed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(project, tmp_path, monkeypatch, 0)
    monkeypatch.chdir(tmp_path)

    assert printed(where)[0][2] == where.kubeconfig


def test_a_kubeconfig_that_the_user_names_is_not_named_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = place(project, tmp_path, monkeypatch, 0)
    monkeypatch.setenv(VARIABLE, "/exported")

    kubectl, look = printed(where)

    assert "--kubeconfig" not in [*kubectl, *look]


def test_kubectls_default_one_is_named_to_the_command_that_would_not_look_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl, look = printed(place(project, tmp_path, monkeypatch, 1))

    assert "--kubeconfig" not in kubectl
    assert look[4:] == ["--kubeconfig", "~/.kube/config"]
