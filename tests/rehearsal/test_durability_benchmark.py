"""The short form of the durability benchmark: confirmed messages survive, others show the loss."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]


def test_what_a_replica_has_confirmed_outlives_the_primary_and_nothing_else_must(
    tmp_path: Path,
) -> None:
    results = tmp_path / "durability.json"
    short = ["--kills", "1", "--lags", "100", "--seconds", "1", "--results", str(results)]
    command = [sys.executable, "-m", "benchmarks.durability", *short]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(results.read_text())
    ways = told["failover"]["100 ms"]
    assert ways["confirmed"]["answered"] > 0
    assert ways["confirmed"]["lost"] == 0
    assert ways["stock"]["lost"] > 0
    assert told["aof"]["always"]["lost"] == 0
    assert "| 100 ms | confirmed |" in results.with_suffix(".md").read_text()
