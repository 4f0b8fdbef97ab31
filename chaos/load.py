"""What an episode publishes: a trickle, a burst, and tasks that outlast the visibility timeout."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from chaos.arms import VISIBILITY_S
from chaos.deed import TASK
from chaos.ledger import Entry

TRICKLE_PER_S = 6.0
_BURST_SHARE = 0.3
_GPU_SHARE, _SLOW_SHARE = 0.06, 0.03
_RETRY_SHARE, _ETA_SHARE = 0.05, 0.02
_SHORTEST_S, _LONGEST_VT = 0.05, 3.0


@dataclass(frozen=True)
class Message:
    """One message to publish, so many seconds after its episode began."""

    at_s: float
    entry: Entry
    to: str
    """The list that its producer names, which a mistaken producer gets wrong."""
    countdown_s: float | None = None
    blob_bytes: int = 0
    task: str = TASK

    @property
    def line(self) -> dict[str, object]:
        """What the producer reads."""
        told = {name: getattr(self, name) for name in ("to", "countdown_s", "blob_bytes", "task")}
        return asdict(self.entry) | told


def planned(seed: int, episode: str, count: int, *, longest: bool) -> Sequence[Message]:
    """Draw an episode's messages; seed and episode alone decide, so both arms get the same ones.

    Args:
        seed: the campaign's.
        episode: its name.
        count: messages in all; two more run long.
        longest: whether one of the long ones takes thrice the visibility timeout.

    """
    draw = random.Random(f"{seed} {episode}")  # noqa: S311 - a load is no secret
    burst = int(_BURST_SHARE * count)
    span_s = (count - burst) / TRICKLE_PER_S
    burst_at_s = draw.uniform(0.2, 0.8) * span_s
    times = [index / TRICKLE_PER_S for index in range(count - burst)] + [burst_at_s] * burst
    messages = [_drawn(draw, episode, at_s) for at_s in times]
    factors = (draw.uniform(1.0, 1.5), _LONGEST_VT if longest else draw.uniform(1.5, 2.0))
    for factor in factors:
        entry = _entry(draw, episode, "slow", "long", factor * VISIBILITY_S)
        messages.append(Message(0.0, entry, "slow"))
    return sorted(messages, key=lambda message: message.at_s)


def _drawn(draw: random.Random, episode: str, at_s: float) -> Message:
    chance, kind, countdown_s = draw.random(), "plain", None
    queue, seconds = "fast", _SHORTEST_S * 4 ** draw.random()
    if chance < _GPU_SHARE:
        queue, seconds = "gpu", draw.uniform(0.1, 0.5)
    elif chance < _GPU_SHARE + _SLOW_SHARE:
        queue, seconds = "slow", draw.uniform(0.2, 0.8)
    drawn = draw.random()
    if drawn < _RETRY_SHARE:
        kind = "retry"
    elif drawn < _RETRY_SHARE + _ETA_SHARE:
        kind, countdown_s = "eta", VISIBILITY_S * draw.uniform(1.1, 1.6)
    return Message(at_s, _entry(draw, episode, queue, kind, seconds), queue, countdown_s)


def _entry(draw: random.Random, episode: str, queue: str, kind: str, seconds: float) -> Entry:
    drawn = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    return Entry(drawn, queue, kind, episode, round(seconds, 3))
