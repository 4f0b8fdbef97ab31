"""Stand-ins of programs, on PATH: each records how it was called and does as it is told."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = """#!{python}
import json, os, pathlib, sys

folder = pathlib.Path({folder!r})
number = len(list(folder.glob("call-*.json")))
call = {{"args": sys.argv[1:], "env": {{k: v for k, v in os.environ.items() if k in {kept!r}}}}}
call["mode"] = {{
    value: oct(os.stat(value).st_mode & 0o777) for value in sys.argv[1:] if os.path.isfile(value)
}}
for value in sys.argv[1:]:
    name, at, file = value.partition("=@")
    if at:
        call[name] = pathlib.Path(file).read_text()
(folder / f"call-{{number}}.json").write_text(json.dumps(call))
answers = json.loads((folder / "answers.json").read_text())
answer = answers[min(number, len(answers) - 1)]
for option, text in answer.get("files", {{}}).items():
    if option in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index(option) + 1]).write_text(text)
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("code", 0))
"""
_KEPT = ("PULUMI_DEBUG_COMMANDS", "PULUMI_SKIP_UPDATE_CHECK", "PATH")


@dataclass(frozen=True)
class StandIn:
    """One program's stand-in."""

    folder: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        """How it was called, in order."""
        count = len(list(self.folder.glob("call-*.json")))
        return [json.loads((self.folder / f"call-{n}.json").read_text()) for n in range(count)]


def stand_in(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]
) -> StandIn:
    """Put a stand-in first on PATH; it gives the answers in turn, the last one again and again."""
    state = folder / f"{name}-stand-in"
    state.mkdir(parents=True)
    (state / "answers.json").write_text(json.dumps(answers or ({},)))
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(state), kept=_KEPT))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return StandIn(state)
