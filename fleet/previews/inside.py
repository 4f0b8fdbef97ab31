"""Into a preview that is up: what its pods have logged, and commands inside them.

Thin over kubectl, which takes this program's place: its exit code is the command's, and Ctrl-C and
the terminal are its own.
"""

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from fleet import stack_config
from fleet.kubernetes import Object
from fleet.previews import records
from fleet.previews.base import base_of
from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place, kubectl_options
from fleet.previews.pods import Aim, Pods
from fleet.previews.retold import wish_told
from fleet.previews.stack_file import Wish, preview_config
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.node_agent.inside import inside

SHELL = ("sh",)
# kubectl follows five at most, unless told.
_FOLLOWED_AT_LEAST = 5
_NOT_THERE = "name a program that the image has"


@dataclass(frozen=True)
class Excerpt:
    """How much of the logs is wanted, in kubectl's own words."""

    tail: int
    since: str | None = None
    follow: bool = False


@dataclass(frozen=True)
class Running:
    """A preview that is up, as far as its namespace goes."""

    place: Place
    name: str
    config: FleetConfig
    pods: Pods

    def logs(self, aim: Aim, wanted: Excerpt) -> NoReturn:
        """Become `kubectl logs` of the pods meant.

        Raises:
            RehearsalError: there is no such worker, or it has no pod.

        """
        pods = self.pods.of(aim)
        words = ["logs", f"--selector={self.pods.selected(aim)}", f"--tail={wanted.tail}"]
        words.append(f"--max-log-requests={max(len(pods), _FOLLOWED_AT_LEAST)}")
        words += ["--prefix"] if len(pods) > 1 else []
        words += [f"--since={wanted.since}"] if wanted.since else []
        words += ["--follow"] if wanted.follow else []
        self._become_kubectl(words)

    def run(self, aim: Aim, command: Sequence[str]) -> NoReturn:
        """Become a command in one of the pods meant, or a shell where none is named.

        Raises:
            RehearsalError: there is no such worker, or it has no pod that runs.

        """
        pod = self.pods.running(aim)
        if self.place.is_rehearsal:
            self._become_beside(pod, command or SHELL)
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        options = ["--stdin", *(["--tty"] if terminal else [])]
        target = pod["metadata"]["name"]
        self._become_kubectl(["exec", *options, target, "--", *(command or SHELL)])

    def _become_kubectl(self, words: Sequence[str]) -> NoReturn:
        _become([self.place.kubectl, *kubectl_options(self.config), *words], self.place.environ)

    def _become_beside(self, pod: Object, command: Sequence[str]) -> NoReturn:
        """In the rehearsal pods are processes of this machine, and its nodes serve no exec."""
        folder, target = Layout(self.place.project.rehearsal).pods, pod["metadata"]["name"]
        found = inside(folder, self.name, target, pod["spec"]["containers"][0]["name"])
        if found is None:
            raise _cannot_run(command[0], target, "the pod has just ended", "run this again")
        program = shutil.which(command[0], path=found.environ.get("PATH"))
        if program is None:
            raise _cannot_run(command[0], target, "it is not on the pod's PATH", _NOT_THERE)
        os.chdir(found.folder)
        _become([program, *command[1:]], found.environ)


def running(place: Place, engine: PreviewEngine, name: str) -> Running:
    """Find a preview that is up.

    Raises:
        RehearsalError: there is none of this name beside this base, or it is not up.

    """
    own = place.project.stack_file(name)
    if not own.is_file() and name not in engine.previews():
        raise _unknown(place, engine, name)
    marks = records.marks(place.project, engine, name, base=place.base)
    if own.is_file():
        config = stack_config.read(own)
    else:
        config = _of_base(place, engine, wish_told(name, marks, datetime.now(UTC)))
    cluster = place.cluster(name, config)
    namespace = cluster.get(f"/api/v1/namespaces/{name}")
    if namespace is None or namespace["metadata"].get("deletionTimestamp"):
        raise RehearsalError(
            what=f"{name} is not up",
            why="its namespace is being taken down" if namespace else "it has no namespace",
            mend="see `fleet preview list`; `fleet preview up` with its branch brings it up",
        )
    return Running(place, name, config, Pods(name, config, cluster))


def _of_base(place: Place, engine: PreviewEngine, wish: Wish) -> FleetConfig:
    """The settings of a preview that another checkout has made, as its base would have them."""
    return FleetConfig.model_validate(preview_config(base_of(place, engine), wish))


def _unknown(place: Place, engine: PreviewEngine, name: str) -> RehearsalError:
    found = records.previews(place, engine)
    known = (f"{each.name} ({each.told.branch})" if each.told else each.name for each in found)
    return RehearsalError(
        what=f"there is no preview {name} beside {place.base}",
        why=f"there are {', '.join(known)}" if found else "there is none at all",
        mend="name one of those, or its branch with --branch"
        if found
        else "bring one up: fleet preview up",
    )


def _cannot_run(program: str, pod: str, why: str, mend: str) -> RehearsalError:
    return RehearsalError(what=f"{program} cannot be run in pod {pod}", why=why, mend=mend)


def _become(words: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    # Python has it ignored, which the program would inherit: `logs | head` has to end.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(words[0], list(words), dict(environ))  # noqa: S606 - a list, no shell
