"""The short campaign: both arms under the same faults; ours keeps all, stock does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(840)]

ROOT = Path(__file__).resolve().parents[2]


def test_under_every_fault_ours_keeps_each_message_and_stock_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chaos", "--short", "--results", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads((tmp_path / "chaos.json").read_text())
    lost = {
        arm: sum(of[arm]["lost_innocent"] for of in told["faults"].values())
        for arm in ("ours", "stock")
    }
    assert lost["ours"] == 0
    assert lost["stock"] > 0
    assert len(told["faults"]) >= 17
