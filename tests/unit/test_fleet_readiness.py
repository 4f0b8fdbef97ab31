"""What a fleet that is not ready in time is mended by, whose cluster it may be."""

from pathlib import Path
from typing import Any

import pytest

from fleet import readiness, stack_config
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import BRANCH, NAME, preview
from tests.unit.recorder import ROOT, imagineer


class Empty:
    """A cluster in which nothing is."""

    def get(self, _path: str) -> Any:
        return None

    def items(self, _path: str) -> list[Any]:
        return []


def told(monkeypatch: pytest.MonkeyPatch, config: FleetConfig) -> RehearsalError:
    monkeypatch.setattr(readiness, "_LIMIT_S", 0.0)
    nothing: Any = Empty()
    with pytest.raises(RehearsalError) as caught:
        readiness.wait(nothing, config, Path("/logs"), lambda _: None)
    return caught.value


@pytest.mark.parametrize("base", ["local", "staging"])
def test_a_preview_is_looked_into_and_brought_up_by_its_own_commands(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    error = told(monkeypatch, preview(base))

    assert f"fleet preview logs {NAME};" in error.mend
    assert f"`fleet preview up --branch {BRANCH} --base {base}`" in error.mend
    assert "make up" not in error.mend
    assert error.where == f"namespace {NAME}"


def test_the_rehearsed_stack_is_mended_by_make(monkeypatch: pytest.MonkeyPatch) -> None:
    error = told(monkeypatch, imagineer())

    assert "run `make up` again" in error.mend
    assert error.where == Path("/logs")


def test_a_rehearsed_copy_of_another_stack_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    error = told(monkeypatch, stack_config.read(ROOT / "Pulumi.staging.yaml"))

    assert error.mend.endswith("run the same command again")
