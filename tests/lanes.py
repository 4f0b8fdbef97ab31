"""Which tests follow one another where several run at a time: those of one fleet, or of one file.

Marks for `--dist loadgroup` would say it, too; xdist 3.8 does not see them under pytest 9.2.
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

_ONE_FLEET = "tests/whole"


def lane(nodeid: str) -> str:
    """Name the lane of a test."""
    file = nodeid.split("::", maxsplit=1)[0]
    return _ONE_FLEET if file.startswith(f"{_ONE_FLEET}/") else file


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # xdist's classes are untyped
    """The lane with most tests begins first."""

    def _split_scope(self, nodeid: str) -> str:
        return lane(nodeid)
