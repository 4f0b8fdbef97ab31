"""The environment of Pulumi and kubectl, and the passphrase in it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from fleet import environment, passphrase
from fleet.project import Project
from rehearsal.errors import RehearsalError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, tmp_path / ".state")


def add_stack(project: Project) -> None:
    folder = project.backend / ".pulumi" / "stacks" / "celery-fleet"
    folder.mkdir(parents=True)
    (folder / "local.json").write_text("{}")
    (folder / "local.json.bak").write_text("{}")


def test_plugins_come_first_then_tools_then_the_venv_then_the_users_path(project: Project) -> None:
    found = environment.variables(project, [Path("/tools")], {"PATH": "/usr/bin:/bin"})

    plugins, tools, venv, *rest = found["PATH"].split(":")
    assert (plugins, tools, rest) == (str(project.plugins), "/tools", ["/usr/bin", "/bin"])
    assert venv.endswith("/bin")


def test_setting_the_environment_twice_does_not_grow_path(project: Project) -> None:
    once = environment.variables(project, [Path("/tools")], {"PATH": "/usr/bin:/tools:/bin"})
    twice = environment.variables(project, [Path("/tools")], once)

    assert once == twice
    assert once["PATH"].count("/tools") == 1


def test_exports_are_quoted_for_a_shell() -> None:
    lines = environment.export_lines({"A": "it's $HOME `x`", "B": "two words"})

    assert shlex.split(lines) == ["export", "A=it's $HOME `x`", "export", "B=two words"]


def test_backend_home_and_kubeconfig_lie_in_the_state_folder(project: Project) -> None:
    found = environment.variables(project, [], {})

    assert found["PULUMI_BACKEND_URL"] == f"file://{project.state}/pulumi"
    assert Path(found["PULUMI_HOME"]).parent == project.state
    assert Path(found["KUBECONFIG"]).is_relative_to(project.state)


def test_a_passphrase_is_made_once_for_the_owner_only(project: Project) -> None:
    assert passphrase.ensure(project, {})
    made = project.passphrase.read_text()

    assert not passphrase.ensure(project, {})
    assert project.passphrase.read_text() == made
    assert len(made) >= 32
    assert project.passphrase.stat().st_mode & 0o777 == 0o600


def test_the_users_own_passphrase_is_left_alone(project: Project) -> None:
    environ = {"PULUMI_CONFIG_PASSPHRASE": ""}

    assert not passphrase.ensure(project, environ)
    assert passphrase.variables(project, environ) == {}
    assert not project.state.exists()


def test_a_shell_that_still_names_the_dropped_file_gets_a_new_one(project: Project) -> None:
    environ = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(project.passphrase)}

    assert passphrase.ensure(project, environ)
    assert project.passphrase.is_file()


def test_state_without_its_passphrase_is_refused_and_untouched(project: Project) -> None:
    add_stack(project)

    with pytest.raises(RehearsalError, match="passphrase of stack local is missing"):
        passphrase.ensure(project, {})

    assert not project.passphrase.exists()


def test_state_with_the_users_passphrase_is_fine(project: Project) -> None:
    add_stack(project)

    passphrase.check(project, {"PULUMI_CONFIG_PASSPHRASE": "mine"})


def test_a_passphrase_file_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(RehearsalError) as raised:
        passphrase.check(project, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere/passphrase"})

    assert raised.value.where == "/nowhere/passphrase"


def test_a_shell_really_takes_the_exports() -> None:
    lines = environment.export_lines({"FLEET_TEST": "a 'b' $c"})

    shown = subprocess.run(
        ["sh", "-c", f'{lines}\nprintf %s "$FLEET_TEST"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout == "a 'b' $c"
