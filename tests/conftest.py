"""What tests of several folders share."""

import pytest

from rehearsal.toolchain import MonitoringTools, ensure_monitoring


@pytest.fixture(scope="session")
def monitoring_tools() -> MonitoringTools:
    """Prometheus and what goes with it; the first run on a machine builds them."""
    return ensure_monitoring(print)
