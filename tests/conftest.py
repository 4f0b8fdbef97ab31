"""What tests of several folders share."""

import pytest

from rehearsal.toolchain import MonitoringTools, ensure_monitoring
from tests.lanes import Lanes


@pytest.fixture(scope="session")
def monitoring_tools() -> MonitoringTools:
    """Prometheus and what goes with it; the first run on a machine builds them."""
    return ensure_monitoring(print)


# Where xdist is off, nobody asks.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Lanes | None:
    """Which tests go together where `--dist loadscope` runs several at a time."""
    return Lanes(config, log) if config.getvalue("dist") == "loadscope" else None
