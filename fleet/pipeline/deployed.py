"""Which commit a stack was deployed from, and whether this checkout is at it."""

import re
import subprocess
import sys

from fleet.pipeline.engine import Pulumi
from rehearsal.errors import RehearsalError

# As CI sets it: $GITHUB_SHA. A tag or a short name may be of another commit by now.
_COMMIT = re.compile(r"[0-9a-f]{40}")


def commit(pulumi: Pulumi) -> str | None:
    """Return the commit that CI deployed; None where the stack names none, which is told.

    Raises:
        RehearsalError: there is no such stack, or its state cannot be read.

    """
    revision = pulumi.outputs().get("revision")
    if isinstance(revision, str) and _COMMIT.fullmatch(revision):
        if revision != pulumi.stated_revision():
            return revision
        # As after an `up` by hand: what was deployed is this file, committed since or not at all.
        why = "its stack file here has that revision"
    else:
        why = "it has no output `revision`" if revision is None else f"its revision is {revision!r}"
    sys.stderr.write(
        f"stack {pulumi.stack} does not say which commit CI deployed ({why}): "
        "it is compared with this checkout as it is\n"
    )
    return None


def require_checkout(pulumi: Pulumi, wanted: str) -> None:
    """Refuse to take another commit's program for the one that made the stack.

    Raises:
        RehearsalError: this checkout is at another commit, or is none.

    """
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=pulumi.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    here = asked.stdout.strip()
    if here != wanted:
        raise RehearsalError(
            what=f"this checkout is not what stack {pulumi.stack} was deployed from",
            why=f"that is commit {wanted}, this is {here or asked.stderr.strip()}: what changed "
            "between the two would be told as drift",
            mend=f"`.ci/with-pulumi .ci/deployed {pulumi.stack}` checks it out, with its packages",
        )
