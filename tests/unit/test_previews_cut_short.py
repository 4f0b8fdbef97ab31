"""What `up` and `destroy` do about what a killed run has left, step by step."""

from pathlib import Path
from typing import Any

import pytest

from fleet import stack_config
from fleet.engine import Engine
from fleet.previews import lost_users
from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place
from fleet.project import Project
from infra.models.guest_broker import GuestBroker
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base, preview

STATE = [{"type": "pulumi:pulumi:Stack"}]


class Stepping(PreviewEngine):
    """A stand-in for Pulumi: notes its steps, and fails the first `up` of a reason."""

    def __init__(self, folder: Path, *, fails_of: str = "") -> None:
        project = Project(folder, folder / "state")
        super().__init__(Place(project, "local", base("local").config, Path("/bin/pulumi"), {}))
        self.fails_of, self.steps = fails_of, list[str]()

    def _run(self, *arguments: str, more: Any = None, **_: Any) -> str:
        self.steps.append(f"{arguments[0]}, adopting" if more else arguments[0])
        if self.fails_of and self.steps == ["up"]:
            raise RehearsalError("`up` failed", self.fails_of, "mend it")
        return ""


@pytest.fixture
def cut_short() -> bool:
    return False


@pytest.fixture
def fails_of() -> str:
    return ""


@pytest.fixture
def engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, cut_short: bool, fails_of: str
) -> Stepping:
    engine = Stepping(tmp_path, fails_of=fails_of)
    steps = engine.steps
    monkeypatch.setattr(stack_config, "read", lambda _: preview("local"))
    monkeypatch.setattr(Engine, "set_api_token", lambda *_: False)
    # Whoever settles forgets it.
    monkeypatch.setattr(Engine, "was_cut_short", lambda _: cut_short and "settle" not in steps)
    monkeypatch.setattr(Engine, "settle", lambda _: steps.append("settle"))
    monkeypatch.setattr(Engine, "resources", lambda _: STATE)
    return engine


@pytest.mark.parametrize(
    ("cut_short", "taken_apart", "fails_of", "steps"),
    [
        (False, False, "", ["up"]),
        (True, False, "", ["settle", "up, adopting", "up"]),
        (False, True, "", ["settle", "up"]),
        (False, False, "Deployment x exists already", ["up", "settle", "up, adopting", "up"]),
        (False, False, "UserAlreadyExists: no", ["up", "settle", "up, adopting", "up"]),
        (True, True, "", ["settle", "up, adopting", "up"]),
    ],
)
def test_what_an_earlier_run_left_is_looked_at_before_it_is_taken_over(
    engine: Stepping, *, taken_apart: bool, steps: list[str]
) -> None:
    engine.up(NAME, lambda _: None, taken_apart=taken_apart)

    assert engine.steps == steps


@pytest.mark.parametrize("fails_of", ["quota"])
def test_any_other_failure_of_an_up_is_told_at_once(engine: Stepping) -> None:
    with pytest.raises(RehearsalError, match="quota"):
        engine.up(NAME, lambda _: None)

    assert engine.steps == ["up"]


@pytest.mark.parametrize("cut_short", [True])
def test_users_that_a_killed_pulumi_left_on_elasticache_go_before_up_and_after_destroy(
    engine: Stepping, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(namespace: str, broker: GuestBroker, known: object, _: object) -> None:
        assert (namespace, broker.user_group.key_prefix, known) == (NAME, "staging:", STATE)
        engine.steps.append("users")

    monkeypatch.setattr(stack_config, "read", lambda _: preview("staging"))
    monkeypatch.setattr(lost_users, "remove", remove)

    engine.up(NAME, lambda _: None)
    assert engine.steps == ["users", "settle", "up, adopting", "up"]
    engine.destroy(NAME, lambda _: None)
    assert engine.steps[4:] == ["destroy", "users"]
