"""The workflows of CI, taken apart: their jobs, steps and commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.unit.recorder import ROOT

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
# YAML 1.1 reads the key `on` as true.
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(t) for name, t in TEXTS.items()}
SCRIPTS = {path.name: path.read_text() for path in sorted((ROOT / ".ci").iterdir())}
_VARIABLE = re.compile(r'"?\$\{?\w+[^"\s()]*"?')
_REDIRECTION = re.compile(r"\d?>+&?\s*\S+")
_BEFORE = {".ci/with-pulumi", "exec", "env", "--default-signal=INT"}
"""What runs a command that follows it."""


@dataclass(frozen=True)
class Job:
    """A job, with what it is called."""

    workflow: str
    name: str
    body: dict[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["steps"]
        return found

    @property
    def runs(self) -> list[str]:
        """What its steps run."""
        return [step["run"] for step in self.steps if "run" in step]

    @property
    def permissions(self) -> dict[str, str]:
        """Its own, else its workflow's."""
        own = self.body.get("permissions", WORKFLOWS[self.workflow].get("permissions"))
        assert isinstance(own, dict)
        return own

    def __str__(self) -> str:
        return f"{self.workflow}:{self.name}"


def jobs() -> list[Job]:
    """Every job of every workflow."""
    return [
        Job(name, job, body)
        for name, workflow in WORKFLOWS.items()
        for job, body in workflow["jobs"].items()
    ]


def called(program: str) -> Iterator[list[str]]:
    """Arguments of each call of a program, in workflows and in the scripts behind them.

    A variable's value is VALUE. `python -m` is left out: its module is the program.
    """
    texts = [run for job in jobs() for run in job.runs] + list(SCRIPTS.values())
    for line in "\n".join(texts).replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("#"):
            continue
        for part in re.split(r"\$\(|\|\|?|&&|;", _VARIABLE.sub("VALUE", line)):
            words = _REDIRECTION.sub("", part).replace('"', "").rstrip(") ").split()
            while words and words[0] in _BEFORE:
                words = words[1:]
            if words[1:2] == ["-m"] and words[0].endswith("python"):
                words = words[2:]
            if words and words[0].rpartition("/")[2] == program:
                yield words[1:]
