"""What the fast tests share."""

import pytest

from tests.unit.recorder import Recorder, imagineer, render


@pytest.fixture(scope="session")
def fleet() -> Recorder:
    """Imagineer's stack, rendered once."""
    return render(imagineer())
