"""Kombu's poller, which leaves no message that was fetched lying in a socket."""

from typing import Any

from kombu.transport import redis


class Poller(redis.MultiChannelPoller):
    """Reads the answer to a fetch even where the worker has no free slot any more.

    Kombu would leave it in the socket until there is one; its message's lease would not be renewed
    meanwhile, and another worker would get it as well.
    """

    def on_readable(self, fileno: int) -> None:
        """Handle an answer."""
        channel, kind = self._fd_to_chan.get(fileno, (None, None))
        if kind == "BRPOP" and channel.fetching and fileno not in self._paused_brpop:
            channel.handlers[kind]()
            return
        super().on_readable(fileno)

    def _pause_brpop(self, channel: Any, fileno: int) -> None:  # noqa: ANN401 - kombu's Channel
        if not channel.fetching:
            super()._pause_brpop(channel, fileno)
