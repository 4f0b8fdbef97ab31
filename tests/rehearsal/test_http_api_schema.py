"""The API against its own OpenAPI description: generated requests, good and bad ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rehearsal.worker_fleet import TOKEN, Fleet

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(300)]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
EXAMPLES = 40
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def test_no_generated_request_is_answered_otherwise_than_described(
    fleet: Fleet, tmp_path: Path
) -> None:
    api = fleet.api()
    described = len(
        [method for path in api.get("/openapi.json").json()["paths"].values() for method in path]
    )

    tested = subprocess.run(
        [
            *(str(SCHEMATHESIS), "run", f"{api.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {TOKEN}", "--checks", ",".join(CHECKS)),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "examples")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
    told = re.search(r"Tested: (\d+)", tested.stdout)
    assert told is not None
    assert int(told.group(1)) == described
