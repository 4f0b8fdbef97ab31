"""In which order the lists of a fair queue are asked for their next message."""

from collections.abc import Iterable

from kombu.utils.scheduling import round_robin_cycle


class Turns(round_robin_cycle):
    """Kombu's round robin, whose order survives a tenant that comes or goes.

    Kombu's own begins anew with every consumer that is added or cancelled (5.7.0): while tenants
    come and go, its first ones would be served again and again, and its last ones never.
    """

    def update(self, it: Iterable[str]) -> None:
        """Take these lists; who waited longest stays first, who is new comes last."""
        wanted = dict.fromkeys(it)
        waiting = dict.fromkeys(item for item in self.items if item in wanted)
        self.items[:] = waiting | wanted
