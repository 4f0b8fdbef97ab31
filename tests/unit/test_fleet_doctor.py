"""What `fleet doctor` says of nodes that come and go."""

from typing import Any, cast

from fleet import doctor_checks
from fleet.kubernetes import Object
from fleet.session import Session
from tests.unit.recorder import imagineer


class Running:
    """A session with stack `local` on a cluster that has these nodes, all Ready."""

    stack = "local"

    def __init__(self, *nodes: str) -> None:
        self.config, self.cluster, self._nodes = imagineer(), self, nodes

    def items(self, path: str) -> list[Object]:
        assert path == "/api/v1/nodes"
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        return [{"metadata": {"name": name}, "status": ready} for name in self._nodes]

    def get(self, _: str) -> dict[str, Any]:
        return {"status": {"conditions": [{"type": "Available", "status": "True"}]}}


def subjects(*nodes: str) -> list[str]:
    found = doctor_checks.cluster(cast("Session", Running(*nodes)))
    return [finding.subject for finding in found if finding.problem is None]


def test_doctor_counts_the_nodes_of_a_group_that_may_grow() -> None:
    told = "node group gpu: {} of 0..1 nodes (stand-in autoscaler)"

    assert told.format(0) in subjects("local-cpu-0", "other-gpu-0")
    assert told.format(1) in subjects("local-cpu-0", "local-gpu-0")


def test_doctor_is_silent_about_a_group_that_does_not_grow() -> None:
    assert not any(subject.startswith("node group cpu") for subject in subjects("local-cpu-0"))
