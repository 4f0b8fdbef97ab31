"""Fifteen hundred messages, most of them malformed, against real workers on a real broker."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 1500


def test_malformed_messages_end_no_worker_run_no_code_and_cost_no_valid_message(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fuzz.json"
    command = (sys.executable, "-m", "chaos.fuzz", "--seed", "11", "--results", str(file))
    ran = subprocess.run(
        [*command, "--messages", str(MESSAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-4000:]
    told = json.loads(file.read_text())
    assert (told["valid"], told["valid lost"]) == (MESSAGES // 10, 0)
    assert (told["processes ended"], told["code run"]) == ([], False)
    assert sum(told["ends"].values()) == MESSAGES
    assert told["ends"]["parked"] > MESSAGES // 2
    assert len(told["by kind"]) >= 16
