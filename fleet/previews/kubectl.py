"""kubectl on one preview: it ends in time whatever the cluster does, and fails in a sentence."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.previews.place import Place, kubectl_options
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

_REQUEST_LIMIT_S = 30
# One command asks several times; whoever signs in by a program of the cloud's waits for that, too.
_PROCESS_LIMIT_S = 90.0
_AGAIN = "mend what it names, then run the same command again: it goes on from there"


@dataclass(frozen=True)
class Kubectl:
    """It waits for nothing but answers: what is to end or to go, its caller looks at."""

    place: Place
    config: FleetConfig
    limit_s: float = _PROCESS_LIMIT_S

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Return what it prints.

        Raises:
            RehearsalError: it fails, or takes longer than 90 s.

        """
        command = [self.place.kubectl, *self._options(), *arguments]
        shown = f"`kubectl {' '.join(arguments[:2])}`"
        try:
            done = self._done(command, given or "")
        except subprocess.TimeoutExpired as error:
            raise stuck(self.config, f"{shown} has not ended in {self.limit_s:.0f} s") from error
        if done.returncode:
            raise stuck(self.config, f"{shown}: {done.stderr.strip()}")
        return done.stdout

    def _options(self) -> list[str]:
        return [*kubectl_options(self.config), f"--request-timeout={_REQUEST_LIMIT_S}s"]

    def _done(self, command: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.place.environ,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.limit_s,
        )


def stuck(config: FleetConfig, why: str, mend: str = _AGAIN) -> RehearsalError:
    """Say that a preview is still there, wholly or in part."""
    return RehearsalError(
        what=f"{config.namespace} is not taken down yet",
        why=why,
        mend=mend,
        where=f"namespace {config.namespace}",
    )
