"""Which files of a lock are fetched for an image whose Python is not this one."""

import pytest

from rehearsal.image.wheels import _entry

LOCK = """\
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via redis
amqp==5.4.2 \\
    --hash=sha256:cc
"""


@pytest.mark.parametrize(
    ("pin", "entry"),
    [
        (
            "async-timeout==5.0.1",
            "async-timeout==5.0.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n",
        ),
        ("amqp==5.4.2", "amqp==5.4.2 \\\n    --hash=sha256:cc\n"),
    ],
)
def test_a_pin_keeps_its_hashes_and_loses_its_marker(pin: str, entry: str) -> None:
    # pip would judge the marker by the Python that runs it, not by the image's.
    assert _entry(LOCK, pin) == entry


@pytest.mark.parametrize("pin", ["amqp==5.4", "redis==8.1.0"])
def test_a_pin_that_the_lock_does_not_have_is_an_error(pin: str) -> None:
    with pytest.raises(ValueError, match=f"the lock has no {pin} with hashes"):
        _entry(LOCK, pin)
