"""Every failure is told once, on stderr, with exit 1; the traceback goes to a log."""

import errno
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from fleet.cli import app
from fleet.failures import told
from rehearsal.errors import RehearsalError


def failing_with(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as exited, told(Console(stderr=True)):
        raise error
    return exited.value.exit_code


def test_an_expected_failure_has_its_four_parts_and_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert failing_with(RehearsalError("it broke", "reason", "do this", "there")) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.split("\n")[0] == "error: it broke"
    assert all(part in err for part in ("where: there", "why: reason", "mend: do this"))
    assert "Traceback" not in err


def test_an_unexpected_failure_is_one_line_and_a_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path))

    assert failing_with(ValueError("odd")) == 1

    err = capsys.readouterr().err
    assert "error: ValueError: odd" in err
    assert "Traceback" not in err
    assert "ValueError: odd" in (tmp_path / "logs" / "fleet.log").read_text()


def test_a_full_disk_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/state/up.lock")

    assert failing_with(error) == 1

    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert "where: /state/up.lock" in err
    assert "fault of fleet" not in err


def test_an_interrupt_ends_with_the_shells_code() -> None:
    assert failing_with(KeyboardInterrupt()) == 130


def test_messages_in_brackets_are_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(RehearsalError("[red]x[/red]", "[link]", "m"))

    assert "[red]x[/red]" in capsys.readouterr().err


def test_status_without_a_rehearsal_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    template = Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml"
    (tmp_path / "Pulumi.local.yaml").write_text(template.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path / "state"))

    done = CliRunner().invoke(app, ["status"])

    assert done.exit_code == 1
    assert "make up" in done.stderr


def test_env_prints_exports_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)

    done = CliRunner().invoke(app, ["env"])

    assert done.exit_code == 0
    lines = done.stdout.strip().splitlines()
    assert all(line.startswith("export ") for line in lines)
    assert any(str(tmp_path) in line for line in lines)
