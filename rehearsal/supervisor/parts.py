"""The parts of a stage: programs to keep running, and deeds to do once those they need run."""

from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.control_plane.program import Program

Check = Callable[[], str | None]
"""None when all is well, else what is wrong; may raise `httpx.HTTPError` or `OSError`."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Part:
    """A program, or a deed; it begins once all of `after` are well."""

    name: str
    check: Check
    after: tuple[str, ...] = ()
    program: Program | None = None
    deed: Callable[[], None] = _nothing
    """Done before `check` is asked, and again whenever one of `after` was restarted."""


# Clients first; the node agent needs the API server and the broker to end its pods well.
STOP_ORDER: tuple[frozenset[str], ...] = (
    frozenset({"node-agent", "node-autoscaler"}),
    frozenset(
        {
            "broker",
            "broker-tls",
            "cloud",
            "keda-adapter",
            "keda-operator",
            "kube-controller-manager",
            "kube-scheduler",
        }
    ),
    frozenset({"kube-apiserver"}),
    frozenset({"etcd"}),
)
