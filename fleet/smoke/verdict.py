"""Whether a probe came in time, and what is told of one that did not."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fleet.api_client import Result
from fleet.smoke.aims import Aim

Verdict = Literal["ok", "late", "failed", "not begun", "not sent"]


@dataclass(frozen=True)
class Checked:
    """One queue, and what became of its probe."""

    aim: Aim
    verdict: Verdict
    why: str = ""
    """In a sentence; nothing where all is well."""
    wait_s: float | None = None
    """From publish to start, by the clocks of the API's pod and the worker's."""
    run_s: float | None = None
    """Of a few milliseconds' work."""
    pod: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        own = asdict(self)
        return {**own.pop("aim"), "tolerated_s": self.aim.tolerated_s, **own}


def judge(aim: Aim, result: Result, waited_s: float, limit_s: float) -> Checked | None:
    """Return what became of a probe; None while that is open.

    Args:
        aim: the queue.
        result: of the probe.
        waited_s: since it was sent, by the clock of whoever sent it.
        limit_s: after which it is not waited for.

    """
    if result.status == "failed":
        return Checked(aim, "failed", f"the probe failed: {result.error}")
    if result.status == "completed":
        return _completed(aim, result.value, waited_s)
    if waited_s <= limit_s:
        return None
    may = f"it may wait {aim.tolerated_s:g} s"
    return Checked(aim, "not begun", f"no worker has taken the probe for {waited_s:.0f} s; {may}")


def unsent(aim: Aim, why: str) -> Checked:
    """Return the verdict on a queue to which nothing could be sent."""
    return Checked(aim, "not sent", why)


def _completed(aim: Aim, told: dict[str, Any], waited_s: float) -> Checked:
    # A second delivery tells the wait of both; the first worker was lost on the way.
    wait_s = told["waited_seconds"]
    wait_s = waited_s if wait_s is None else float(wait_s)
    late = wait_s > aim.tolerated_s
    why = f"the probe waited {wait_s:.1f} s; it may wait {aim.tolerated_s:g} s" if late else ""
    pod = str(told["worker"]).rpartition("@")[2]
    return Checked(aim, "late" if late else "ok", why, wait_s, float(told["ran_seconds"]), pod)


def passed(checked: Sequence[Checked]) -> bool:
    """Whether every queue is well."""
    return all(each.verdict == "ok" for each in checked)
