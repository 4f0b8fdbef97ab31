"""Sends a parked message and removes its letter in one step on the server.

So whatever breaks off, the message is in its queue or it is parked, and never both. A mark,
`fleet:replayed:<random>` behind the key prefix, tells a publisher that tries again after an answer
was lost that the message was sent, and sent by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery.utils import uuid

from worker_image import dead_letters
from worker_image.room import Room
from worker_image.transport.words import RUN_WORDS

# A publisher tries again for seconds.
_MARKED_S = 3600

# KEYS: the queue's letters, the mark. ARGV: task id, the letter as it was read; then the commands.
# A server that is full refuses the first of them, and nothing is changed. Tried again it writes,
# which worker_image/confirm.py asks for.
_SEND_AND_REMOVE = f"""
{RUN_WORDS}
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return redis.call('EXPIRE', KEYS[2], '{_MARKED_S}')
end
run_words(3)
redis.call('SET', KEYS[2], '1', 'EX', '{_MARKED_S}')
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
"""


@dataclass
class Replay:
    """The step in which one letter becomes a message again (`once.Step`)."""

    queue: str
    task_id: str
    text: str
    """The letter, as it was read: another one under its id is not removed."""
    before: Callable[[], None]
    """Called once the message is known to be one that can be sent."""
    mark: str = field(default_factory=lambda: f"fleet:replayed:{uuid()}")
    """Without key prefix."""
    done: bool = False
    """Whether the message was sent, now or by a try whose answer was lost."""

    def send(
        self,
        client: Any,  # noqa: ANN401 - redis-py's
        prefix: str,
        words: Sequence[object],
        _room: Room | None,
    ) -> None:
        """Do the step; the words are the commands that send the message.

        Whatever its queue holds: an operator asks for it.
        """
        self.before()
        letters = f"{prefix}{dead_letters.key_of(self.queue)}"
        mark = f"{prefix}{self.mark}"
        told = client.execute_command(
            "EVAL", _SEND_AND_REMOVE, 2, letters, mark, self.task_id, self.text, *words
        )
        self.done = bool(told)
