"""A Pulumi project in a folder of its own, run by the real CLI with the stand-ins."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND_TIMEOUT_S = 120


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and how it ended."""

    code: int
    output: str


@dataclass(frozen=True)
class Project:
    """One project with one stack; its program lies in `infra/`, as `main` says."""

    root: Path
    environ: Mapping[str, str]

    def write(self, program: str) -> None:
        """Replace the program."""
        (self.root / "infra" / "__main__.py").write_text(textwrap.dedent(program))

    def run(self, *args: str) -> Outcome:
        done = subprocess.run(
            ["pulumi", *args, "--non-interactive"],
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def succeed(self, *args: str) -> str:
        outcome = self.run(*args)
        assert outcome.code == 0, outcome.output
        return outcome.output

    def fail(self, *args: str) -> str:
        outcome = self.run(*args)
        assert outcome.code != 0, outcome.output
        return outcome.output

    def up(self, *args: str) -> str:
        return self.succeed("up", "--yes", "--skip-preview", *args)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources by logical name."""
        exported = json.loads(self.succeed("stack", "export"))
        found = exported["deployment"].get("resources", [])
        return {resource["urn"].rpartition("::")[2]: resource for resource in found}

    def output(self, name: str) -> str:
        return self.succeed("stack", "output", name, "--show-secrets").strip()


def new_project(root: Path, plugins: Path, engine: Path, kubeconfig: Path) -> Project:
    """A project with an empty stack `test`, a file backend and plugins of its own."""
    (root / "infra").mkdir(parents=True)
    (root / "backend").mkdir()
    (root / "Pulumi.yaml").write_text(
        textwrap.dedent(f"""\
            name: trial
            main: infra/
            runtime:
              name: python
              options:
                toolchain: pip
                virtualenv: {sys.prefix}
            """)
    )
    path = os.pathsep.join([str(plugins), str(engine.parent), os.environ["PATH"]])
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI")}
    project = Project(
        root,
        kept
        | {
            "PATH": path,
            "KUBECONFIG": str(kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(root / "home"),
        },
    )
    project.succeed("stack", "init", "test")
    return project
