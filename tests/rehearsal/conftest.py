"""What the rehearsal tests share: the tools, and one running stage."""

from collections.abc import Iterator

import pytest

from rehearsal.toolchain import Tools, ensure_tools
from tests.rehearsal.stage import Stage, small_spec


@pytest.fixture(scope="session")
def tools() -> Tools:
    """All tools; the first run on a machine builds them."""
    return ensure_tools(print)


@pytest.fixture(scope="session")
def stage(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One healthy stage for all tests; each makes a namespace of its own."""
    running = Stage(tmp_path_factory.mktemp("stage"), small_spec(), tools)
    try:
        running.start()
        yield running
    finally:
        running.stop()
