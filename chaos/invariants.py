"""What must hold of a run, each rule a pure function of what was observed: I1 to I5.

A rule gives what breaks it, one line a message, worker or key; nothing where it holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from signal import SIGKILL

from chaos.record import Execution, Observed, Published, Struck

# From a task's end to the moment its acknowledgement has reached the broker.
_ACK_S = 2.0
# Until an answer is written down; every broker that is gone is so for longer.
_ANSWER_S = 1.0
# Beyond a scaler's cooldown: its polls, and the end of pods.
_TO_ZERO_S = 60.0


@dataclass(frozen=True)
class Broken:
    """An invariant that does not hold, and of what."""

    invariant: str
    subject: str
    why: str
    episode: str = ""


def broken(observed: Observed) -> list[Broken]:
    """Give all that breaks I1 to I4."""
    return [
        *lost(observed),
        *run_again(observed),
        *overlapping(observed),
        *had_twice(observed),
        *left_behind(observed),
        *killed(observed),
    ]


def lost(observed: Observed) -> Iterator[Broken]:
    """I1: what was published is committed, or parked as a dead letter."""
    for message in gone(observed):
        if not _unsaved(message, observed.faults):
            starts = len(observed.by_id.get(message.id, ()))
            why = f"{message.kind} on {message.queue}: published, started {starts} times, no end"
            yield Broken("I1", message.id, why, message.episode)


def gone(observed: Observed) -> Iterator[Published]:
    """What was published and is nowhere: not committed, not parked, not waiting; excused or not."""
    known = observed.committed | observed.keys.dead | observed.keys.waiting
    for message in observed.published:
        if message.error is None and message.id not in known:
            yield message


def run_again(observed: Observed) -> Iterator[Broken]:
    """I2: an attempt starts again only where a fault took it from its owner, or it was asked for.

    A retry is asked for twice where its worker was killed between asking and acknowledging.
    """
    episodes = _episodes(observed)
    for task, starts in observed.by_id.items():
        for before, again in _pairs_of_attempts(starts):
            if not _asked_for(again, starts) and not _excused(before, again, observed.faults):
                why = f"started on {before.worker}, again on {again.worker} without a fault there"
                yield Broken("I2", task, why, episodes.get(task, ""))


def overlapping(observed: Observed) -> Iterator[Broken]:
    """I2: an id runs twice at once only where its owner was away beyond its lease."""
    episodes = _episodes(observed)
    for task, starts in observed.by_id.items():
        for before, again in pairwise(starts):
            twins = before.attempt == again.attempt and _asked_for(again, starts)
            if twins or not _at_once(before, again):
                continue
            if not any(_allows_overlap(fault, before) for fault in observed.faults):
                why = f"ran on {before.worker} and {again.worker} at once"
                yield Broken("I2", task, why, episodes.get(task, ""))


def had_twice(observed: Observed) -> Iterator[Broken]:
    """I2: however often an id runs, its idempotency key lets its effect be had once."""
    for task, (applied, _) in observed.effects.items():
        if applied > 1:
            yield Broken("I2", task, f"its effect was had {applied} times")


def left_behind(observed: Observed) -> Iterator[Broken]:
    """I3: at rest no list, hash or sorted set holds a message; hash and index agree always."""
    for key, length in observed.keys.left.items():
        yield Broken("I3", key, f"still holds {length} at rest")
    for told in observed.keys.mismatches:
        yield Broken("I3", told, "hash and index of held messages differ")


def killed(observed: Observed) -> Iterator[Broken]:
    """I4: no worker was killed but by a fault."""
    victims = {name for fault in observed.faults for name in fault.victims}
    for end in observed.ends:
        if end.code == -SIGKILL and end.worker not in victims:
            yield Broken("I4", end.worker, "was killed, and no fault did it")


def late_to_zero(
    replicas: Sequence[tuple[float, int]], rest_at: float, cooldown_s: float, until: float
) -> Iterator[Broken]:
    """I5: a queue that scales to zero is there within its cooldown and a minute.

    Args:
        replicas: times and counts, as they changed.
        rest_at: when the queue's last message had ended.
        cooldown_s: the scaler's own.
        until: when the look ended.

    """
    limit_s = cooldown_s + _TO_ZERO_S
    before = [count for at, count in replicas if at <= rest_at]
    zero_at = next((at for at, count in replicas if at > rest_at and count == 0), until)
    took_s = 0.0 if before[-1:] == [0] else zero_at - rest_at
    if took_s > limit_s:
        yield Broken("I5", "replicas", f"not at zero {took_s:.0f} s after rest: {limit_s:.0f} s")


def _pairs_of_attempts(starts: Sequence[Execution]) -> Iterator[tuple[Execution, Execution]]:
    for attempt in sorted({one.attempt for one in starts}):
        yield from pairwise(one for one in starts if one.attempt == attempt)


def _asked_for(again: Execution, starts: Sequence[Execution]) -> bool:
    """Whether the attempt before it has ended in a retry as often as this one has started."""
    earlier = [one for one in starts if one.began_at <= again.began_at]
    asked = sum(one.attempt == again.attempt - 1 and one.outcome == "retried" for one in earlier)
    return asked >= sum(one.attempt == again.attempt for one in earlier)


def _unsaved(message: Published, faults: Sequence[Struck]) -> bool:
    """Published so shortly before a broker died that it had not been saved."""
    return any(_goes_with_it(message.at, fault, fault.excuses.publishes_s) for fault in faults)


def _goes_with_it(at: float, fault: Struck, within_s: float, asked_after_s: float = 0.0) -> bool:
    """Whether a broker may forget what it was asked by then, as its last seconds are not saved."""
    since = fault.injected_at - within_s - asked_after_s
    return within_s > 0 and since <= at <= fault.done_at + _ANSWER_S


def _forgotten(fault: Struck, execution: Execution) -> bool:
    """Whether a broker may have forgotten that a message was taken, or was acknowledged."""
    within_s, ended_at = fault.excuses.takes_s, execution.ended_at
    if _goes_with_it(execution.began_at, fault, within_s):
        return True
    return ended_at is not None and _goes_with_it(ended_at, fault, within_s, _ACK_S)


def _excused(before: Execution, again: Execution, faults: Sequence[Struck]) -> bool:
    """Whether a fault took the task from whoever ran it first; one of the other does not."""
    return any(
        before.id in fault.excuses.ids
        or (fault.excuses.victims and before.worker in fault.victims and _cut_off(fault, before))
        or _forgotten(fault, before)
        for fault in faults
        if (fault.healed_at if fault.excuses.once_over else fault.injected_at) <= again.began_at
    )


def _cut_off(fault: Struck, execution: Execution) -> bool:
    """Whether a fault came between a start and its acknowledgement."""
    if execution.began_at > fault.healed_at:
        return False
    return execution.ended_at is None or execution.ended_at + _ACK_S >= fault.injected_at


def _at_once(before: Execution, again: Execution) -> bool:
    return before.ended_at is not None and before.ended_at > again.began_at


def _allows_overlap(fault: Struck, before: Execution) -> bool:
    if before.id in fault.excuses.ids or _forgotten(fault, before):
        return True
    return fault.excuses.overlaps and before.worker in fault.victims and _cut_off(fault, before)


def _episodes(observed: Observed) -> Mapping[str, str]:
    return {message.id: message.episode for message in observed.published}
