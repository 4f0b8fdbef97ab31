"""The language host stand-in under the real CLI: how programs run, fail and end."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.engine.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


def runtime(project: Project, options: str) -> None:
    text = (project.root / "Pulumi.yaml").read_text()
    head = text.partition("  options:")[0]
    (project.root / "Pulumi.yaml").write_text(f"{head}  options: {options}\n")


def test_a_program_runs_in_its_own_folder_with_the_projects_python(project: Project) -> None:
    (project.root / "infra" / "options.py").write_text("NAME = 'the program its own'\n")
    project.write("""
        import importlib.util
        import sys
        from pathlib import Path

        import options
        import pulumi

        secret = pulumi.Config().require_secret("password")
        pulumi.export("python", sys.prefix)
        pulumi.export("folder", Path.cwd().name)
        pulumi.export("module", options.NAME)
        pulumi.export("the host's own", str(importlib.util.find_spec("probe")))
        pulumi.export("password", secret)
        pulumi.export("stack", f"{pulumi.get_project()}/{pulumi.get_stack()}")
    """)
    project.succeed("config", "set", "--secret", "password", "swordfish")

    told = project.up()

    assert project.output("python") == sys.prefix
    assert project.output("folder") == "infra"
    assert project.output("module") == "the program its own"
    assert project.output("the host's own") == "None"
    assert project.output("stack") == "trial/test"
    assert project.output("password") == "swordfish"
    assert "swordfish" not in told


def test_a_virtualenv_is_looked_up_from_the_folder_of_pulumi_yaml(project: Project) -> None:
    (project.root / "environment").symlink_to(sys.prefix)
    runtime(project, "{toolchain: pip, virtualenv: environment}")
    project.write("import os, pulumi\npulumi.export('environment', os.environ['VIRTUAL_ENV'])\n")
    project.up()
    assert project.output("environment") == str(project.root / "environment")

    runtime(project, "{toolchain: pip, virtualenv: infra/environment}")
    told = project.fail("preview")
    assert "the project's virtual environment is missing" in told
    assert str(project.root / "infra" / "environment") in told


def test_an_exception_is_shown_from_the_programs_first_line_on(project: Project) -> None:
    project.write("""
        def depth():
            return {}["missing"]


        depth()
    """)

    told = project.fail("up", "--yes", "--skip-preview")

    assert "Program failed with an unhandled exception" in told
    assert "in depth" in told
    assert "KeyError: 'missing'" in told
    assert "runpy" not in told
    assert "run_in_stack" not in told


def test_a_program_that_exits_gives_its_code(project: Project) -> None:
    project.write("import sys\nsys.exit(3)\n")

    assert "program exited with non-zero exit code: 3" in project.fail("preview")


def test_a_folder_without_a_main_program_is_told(project: Project) -> None:
    assert "unable to find main python program" in project.fail("preview")


def test_about_names_the_stand_in(project: Project) -> None:
    project.write("import pulumi\n")

    told = project.succeed("about")

    assert "pulumi-language-python (stand-in)" in told
    assert f"{Path(sys.prefix) / 'bin' / 'python'}" in told


def test_a_killed_engine_leaves_no_process(project: Project) -> None:
    project.write("""
        import time
        from pathlib import Path

        Path("started").touch()
        time.sleep(60)
    """)
    running = subprocess.Popen(
        ["pulumi", "preview", "--non-interactive"],
        cwd=project.root,
        env=dict(project.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (project.root / "infra" / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    processes = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()

    assert len(processes) >= 2
    assert not psutil.wait_procs(processes, timeout=10)[1]
