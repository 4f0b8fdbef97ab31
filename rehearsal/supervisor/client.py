"""Start, stop and look at a stage: what the operator's commands call."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.control_plane.files import make_folder
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.spec import RehearsalSpec
from rehearsal.supervisor import teardown
from rehearsal.supervisor.awaiting import SupervisorLostError, wait_until_healthy
from rehearsal.supervisor.inputs import StageTools, write_inputs
from rehearsal.supervisor.launch import ensure_supervisor
from rehearsal.supervisor.lock import lock_holder
from rehearsal.supervisor.news import describe_log, render_news, take_news
from rehearsal.supervisor.state_files import lock_file, log_file, news_file
from rehearsal.supervisor.status import RehearsalStatus, read_status

_MIB = 1024 * 1024
# etcd alone lays out two files of 64 MiB; a fresh stage took 125 MiB (2026-11).
_ROOM_TO_START_MIB = 256
_ROOM_TO_GO_ON_MIB = 16

_SUPERVISORS = 3
"""That one command tries."""

Report = Callable[[str], None]
"""Takes one line for a person."""


@dataclass(frozen=True)
class Rehearsal:
    """A healthy stage."""

    kubeconfig: Path
    env: Mapping[str, str]
    """What a client's environment needs: KUBECONFIG."""
    logs: Path


def start(root: Path, spec: RehearsalSpec, tools: StageTools, report: Report) -> Rehearsal:
    """Start the stage or attach to it; return once it is healthy.

    A stage that runs with another specification or other tools is changed in place: only
    what differs starts anew. Deaths since the last command are reported once.

    Raises:
        RehearsalError: the stage cannot become healthy; a first start then leaves nothing
            running, a stage that once ran is kept.

    """
    layout = Layout(root.resolve())
    for folder in (layout.root, layout.logs):
        make_folder(folder)
    _require_space(layout)
    inputs = write_inputs(layout, spec, tools)
    try:
        _get_healthy(layout, inputs, report)
    finally:
        report_news(root, report)
    env = {"KUBECONFIG": str(layout.kubeconfig)}
    return Rehearsal(kubeconfig=layout.kubeconfig, env=env, logs=layout.logs)


def _require_space(layout: Layout) -> None:
    """Refuse before anything fails half-way for want of room.

    Raises:
        RehearsalError: less is free than a stage needs, to start or to go on.

    """
    running = lock_holder(lock_file(layout)) is not None
    needed_mib = _ROOM_TO_GO_ON_MIB if running else _ROOM_TO_START_MIB
    free_mib = shutil.disk_usage(layout.root).free // _MIB
    if free_mib < needed_mib:
        raise RehearsalError(
            what="The disk is too full for the rehearsal.",
            why=f"{free_mib} MiB are free, {needed_mib} MiB are needed",
            mend="free some disk space, then run the command again",
            where=layout.root,
        )


def _get_healthy(layout: Layout, inputs: str, report: Report) -> None:
    for _ in range(_SUPERVISORS):
        ensure_supervisor(layout, inputs, report)
        try:
            return wait_until_healthy(layout, report)
        except SupervisorLostError:
            # Killed a moment ago, perhaps by what this command is to mend.
            continue
    log = log_file(layout, "supervisor")
    raise RehearsalError(
        what="The supervisor does not stay up.",
        why=f"{_SUPERVISORS} of them died; {describe_log(log)}",
        mend="read the log, mend its cause, then run the command again",
        where=log,
    )


def stop(root: Path, report: Report) -> None:
    """Stop every process of the stage, supervised or not; what is on disk stays.

    Raises:
        RehearsalError: something is left.

    """
    layout = Layout(root.resolve())
    report_news(root, report)
    teardown.stop(layout, report)


def status(root: Path) -> RehearsalStatus:
    """Look at the stage without talking to it: files and the process table only."""
    return read_status(Layout(root.resolve()))


def report_news(root: Path, report: Report) -> None:
    """Say once what died since the last command, and what became of it."""
    layout = Layout(root.resolve())
    items = take_news(news_file(layout))
    if items:
        states = {each.name: each.state for each in read_status(layout).processes}
        for line in render_news(items, states):
            report(line)
