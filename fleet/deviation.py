"""The one error of a rehearsal whose outcome is not as it has to be."""

from rehearsal.errors import RehearsalError


def deviation(what: str, wanted: str) -> RehearsalError:
    """Name what was seen, and what was expected instead."""
    return RehearsalError(
        what="the rehearsal did not go as it has to",
        why=f"{what}; expected: {wanted}",
        mend="see the logs of the last run, in .state/rehearsals",
    )
