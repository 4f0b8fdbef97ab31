"""What a worker holds, from the fetch to its task's end, whatever becomes of the connection."""

import logging
from time import monotonic
from typing import Any

import redis as redis_py
from kombu.transport import virtual

from worker_image.transport.acks import Acks
from worker_image.transport.held import put_back
from worker_image.transport.lease import Lease
from worker_image.transport.qos import QoS
from worker_image.transport.settle import InFlight
from worker_image.transport.words import Words

# After an outage every worker renews its leases within a second or two; before, none is expired.
_GRACE_S = 5.0
_AT_ONCE = 100
_ERRORS = (redis_py.RedisError, OSError)

logger = logging.getLogger(__name__)


class LeaseQoS(QoS):
    """Records nothing that the fetch has recorded, and settles what a lost channel delivered."""

    lease: Lease | None = None
    """Of a worker; what others hold for a moment needs no renewal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(*args, **kwargs)
        self._opened_at = monotonic()
        self._swept_at = float("-inf")
        self._acks: Acks | None = None

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's Message
        """Take over a message."""
        leased_at = monotonic()
        if self.channel.recorded == delivery_tag:
            leased_at = self.channel.asked_at
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)
        if self.lease is not None:
            self.lease.hold(delivery_tag, message, leased_at)
            # By now the answer to the last acknowledgement is there, and no slot waits for it.
            self.settle()

    def adopt(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - likewise
        """Take over a message that a channel before this one has delivered."""
        message.channel = self.channel
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Forget a message whose task has ended; without a broker, as soon as there is one."""
        self._settle(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)
        self.made_room()

    def settle(self) -> None:
        """Learn what became of the last acknowledgement."""
        if self._acks is not None:
            self._acks.settle()

    def hang_up(self) -> None:
        """Wait for no answer on a channel that closes."""
        if self._acks is not None:
            self._acks.hang_up()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """Forget a message, or put it behind what waits."""
        if requeue:
            self.restore_by_tag(delivery_tag, leftmost=True)
        else:
            self._settle(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)
        self.made_room()

    def forget(self, tag: str) -> None:
        """Hold a message no more that another worker has; a second time it does nothing."""
        if self.lease is not None:
            self.lease.release(tag)
        if tag in self._delivered:
            virtual.QoS.ack(self, tag)
            self.made_room()

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - kombu's
        """Put a message that is held back in its list, in front or, `leftmost`, at its end."""
        message = self._delivered.get(tag)
        if message is None:
            return
        delivery = message.delivery_info
        words = self._words(
            message._raw,  # noqa: SLF001 - as kombu stores it
            delivery["exchange"],
            delivery["routing_key"],
            leftmost=leftmost,
        )
        if words.pushes:
            self._settle(tag, words)

    def restore_unacked(self, client: Any = None) -> None:  # noqa: ANN401 - kombu's
        """Put back all that is held, before a cold shutdown ends the process."""
        super().restore_unacked(client)
        if self.lease is not None:
            self.lease.stop()

    def restore_visible(self, *_: object, **__: object) -> None:
        """Put back what nobody has renewed for the visibility timeout.

        Not at once after connecting: after an outage longer than that everything looks abandoned,
        until its worker is connected again too.
        """
        now, timeout_s = monotonic(), float(self.visibility_timeout)
        between_s = 0.9 * float(self.channel.unacked_restore_interval)
        grace_s = min(_GRACE_S, timeout_s / 4)
        if now - self._opened_at < grace_s or now - self._swept_at < between_s:
            return
        self._swept_at = now
        server: InFlight = self.channel.held
        for tag, held in list(server.expired(timeout_s, _AT_ONCE)):
            words = put_back(self.channel, held, self.channel.spare_queue)
            if not words.pushes:
                logger.error("%s: parked, it is no message", tag)
            server.settle(tag, words.told, expired_s=timeout_s)

    def _settle(self, tag: str, words: Words | None = None) -> None:
        told = [] if words is None else words.told
        if self.lease is None:
            self._tell(tag, told)
            return
        self.lease.settling(tag)
        if self.channel.closed:
            self.lease.settle_later(tag, told)
            return
        if not told:
            self._acknowledge(tag, self.lease)
            return
        try:
            self._tell(tag, told)
        except _ERRORS:
            self.lease.settle_later(tag, told)
        else:
            self.lease.release(tag)

    def _acknowledge(self, tag: str, lease: Lease) -> None:
        if self._acks is None:
            self._acks = Acks(
                self.channel.pool,
                self.channel.held.removal,
                lease.release,
                lambda lost: lease.settle_later(lost, ()),
            )
        self._acks.send(tag)

    def _tell(self, tag: str, told: list[object]) -> None:
        server: InFlight = self.channel.held
        if told:
            server.settle(tag, told)
        else:
            server.remove(tag)

    def _words(
        self, payload: dict[str, Any], exchange: str, routing_key: str, *, leftmost: bool = False
    ) -> Words:
        words = Words(self.channel.global_keyprefix)
        self.channel._do_restore_message(payload, exchange, routing_key, words, leftmost)  # noqa: SLF001 - as kombu does
        return words
