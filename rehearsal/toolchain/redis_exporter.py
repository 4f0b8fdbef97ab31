"""Has redis_exporter ready, for stacks whose pods run it: from PATH, or out of Debian's package.

It is no tool of every rehearsal, and none that is built: Debian and Ubuntu have it packaged.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.debian import DebianError, unpack
from rehearsal.toolchain.folders import cache_root
from rehearsal.toolchain.lock import held
from rehearsal.toolchain.pins import PathRule
from rehearsal.toolchain.search import judged, printed_version
from rehearsal.toolchain.versions import Version

PACKAGE = "prometheus-redis-exporter"
RULE = PathRule(
    ("--version",), Version(1, 45), "older ones were not held against what the rules read"
)
_NAMES = ("redis_exporter", PACKAGE)


def ensure_redis_exporter(report: Callable[[str], None]) -> Path:
    """Return the program, having taken it out of Debian's package where PATH has none.

    Nothing is installed, so that it needs no rights: the package is unpacked into the cache.

    Raises RehearsalError where it cannot be had.
    """
    for name in _NAMES:
        path = shutil.which(name)
        if path and judged(Path(path), printed_version(path, RULE), RULE).problem is None:
            return Path(path)
    root = cache_root(os.environ, Path.home())
    program = root / "packages" / PACKAGE / "usr" / "bin" / PACKAGE
    if not program.exists():
        with held(root / "lock", report):
            # Another process may have unpacked it while this one waited.
            if not program.exists():
                report(f"{PACKAGE}: none on PATH; unpacking the distribution's package (3 MB)")
                _unpack(root / "packages" / PACKAGE)
    problem = judged(program, printed_version(str(program), RULE), RULE).problem
    if problem:
        raise _not_to_be_had(f"the distribution's {PACKAGE} will not do: {problem}")
    return program


def _unpack(target: Path) -> None:
    try:
        unpack([PACKAGE], target)
    except DebianError as error:
        raise _not_to_be_had(str(error)) from error


def _not_to_be_had(why: str) -> RehearsalError:
    return RehearsalError(
        what="redis_exporter, which this stack's pod redis-exporter runs, is not on this machine",
        why=why,
        mend=f"put a redis_exporter of {RULE.minimum} or later on PATH (Debian's package is called "
        f"{PACKAGE}), or state monitoring.redisExporter: false",
    )
