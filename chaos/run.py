"""One run: an arm, a seed, an episode for each fault, and what was seen once all rested."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

from chaos.arms import VISIBILITY_S, Arm
from chaos.faults import Fault
from chaos.field import Field
from chaos.keeper import Keeper
from chaos.ledger import now
from chaos.load import Message, planned
from chaos.processes import Processes
from chaos.record import Observed, read
from chaos.rest import keys, wait_for_rest

Tell = Callable[[str], None]
_LEAD_S = 1.5
"""Of the load before a fault comes."""
_PAUSE_S = 2.0
_TASK_S = 3 * VISIBILITY_S
_BOOT_S = 20.0


@dataclass(frozen=True)
class Plan:
    """What a run goes through; both arms of a seed get the same."""

    seed: int
    faults: Sequence[type[Fault]]
    messages: int
    """Of the load, spread over the episodes; faults add their own."""


def run(arm: Arm, plan: Plan, processes: Processes, tell: Tell) -> Observed:
    """Start an arm, put it through the plan, and wait until it rests or its time is over.

    Raises:
        TimeoutError: it did not start, or a fault found nothing to hit.

    """
    stage = Field(arm, processes)
    keeper = Keeper(stage)
    try:
        stage.start()
        keeper.start()
        with ThreadPoolExecutor() as beside:
            _episodes(stage, plan, beside, tell)
        tell("waiting for rest")
        tell("at rest" if _rest(stage) else "not at rest")
        return read(stage.ledger, keys(stage, keeper.mismatches))
    finally:
        keeper.stop()
        stage.stop()


def _episodes(stage: Field, plan: Plan, beside: ThreadPoolExecutor, tell: Tell) -> None:
    share = max(1, plan.messages // len(plan.faults))
    lingering: list[Future[None]] = []
    for index, kind in enumerate(plan.faults):
        if kind.touches_all:
            _await(lingering)
        if kind.alone:
            _rest(stage)
        stage.publisher.episode, stage.episode_began_at = kind.name, now()
        tell(f"{kind.number} {kind.name}")
        load = planned(plan.seed, kind.name, share, longest=index % 3 == 0)
        sending = beside.submit(_send, stage, load)
        time.sleep(_LEAD_S)
        if kind.lingers:
            lingering.append(beside.submit(_strike, stage, kind()))
        else:
            _strikes(stage, kind)
        sending.result()
    _await(lingering)


def _await(lingering: Sequence["Future[None]"]) -> None:
    for strike in lingering:
        strike.result()


def _strikes(stage: Field, kind: type[Fault]) -> None:
    for strike in range(kind.strikes):
        if strike:
            time.sleep(_PAUSE_S)
        _strike(stage, kind())


def _rest(stage: Field) -> bool:
    """Wait for rest; between two starts lies at most the time until what is held comes again."""
    stage.publisher.flush()
    return wait_for_rest(stage, VISIBILITY_S + stage.arm.sweep_s + _TASK_S + _BOOT_S)


def _strike(stage: Field, fault: Fault) -> None:
    episode = stage.publisher.episode
    fault.choose(stage)
    line = stage.ledger.fault(fault.number, fault.name, episode, fault.victims)
    fault.inject(stage)
    stage.ledger.injected(line)
    time.sleep(fault.lasts_s)
    fault.heal(stage)
    stage.ledger.healed(line, fault.victims, asdict(fault.excuses))


def _send(stage: Field, messages: Sequence[Message]) -> None:
    began = time.monotonic()
    for message in messages:
        time.sleep(max(0.0, began + message.at_s - time.monotonic()))
        stage.publisher.send(message)
