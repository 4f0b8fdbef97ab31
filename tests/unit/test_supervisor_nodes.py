"""Which nodes a healthy stage has, and when a node autoscaler is a part of it."""

from typing import Any, cast

import pytest

from rehearsal.control_plane.api import KubernetesApi
from rehearsal.supervisor.health import nodes_problem


class Nodes:
    """An API server with these nodes."""

    def __init__(self, **ready: bool) -> None:
        self._ready = ready

    def get(self, _: str) -> dict[str, Any]:
        return {
            "items": [
                {
                    "metadata": {"name": name.replace("_", "-")},
                    "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
                }
                for name, ready in self._ready.items()
            ]
        }


def problem(nodes: Nodes, least: dict[str, int]) -> str | None:
    return nodes_problem(cast("KubernetesApi", nodes), frozenset({"cpu-0"}), least)


@pytest.mark.parametrize(
    ("nodes", "least", "told"),
    [
        (Nodes(cpu_0=True), {}, None),
        (Nodes(cpu_0=False), {}, "not ready: cpu-0"),
        (Nodes(cpu_0=True), {"local-gpu": 0}, None),
        (Nodes(cpu_0=True), {"local-gpu": 1}, "not ready: 1 of group local-gpu"),
        (Nodes(cpu_0=True, local_gpu_3=True), {"local-gpu": 1}, None),
        (Nodes(cpu_0=True, local_gpu_3=False), {"local-gpu": 1}, "not ready: 1 of group local-gpu"),
        (Nodes(cpu_0=True, local_gpu_2_0=True), {"local-gpu": 1}, "1 of group local-gpu"),
    ],
)
def test_a_stage_waits_for_its_fixed_nodes_and_the_least_of_each_group(
    nodes: Nodes, least: dict[str, int], told: str | None
) -> None:
    found = problem(nodes, least)

    assert found is None if told is None else told in str(found)
