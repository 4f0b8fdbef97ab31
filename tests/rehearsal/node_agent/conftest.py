"""What the node agent's tests share."""

from collections.abc import Iterator

import pytest

from tests.rehearsal.node_agent.cluster import NodeCluster, namespace_on
from tests.rehearsal.stage import Stage


@pytest.fixture
def cluster(stage: Stage) -> Iterator[NodeCluster]:
    """A namespace of its own on the running stage."""
    with namespace_on(stage.root) as made:
        yield made
