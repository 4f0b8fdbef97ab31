"""Judges what pip-audit says of the lock files: a package it could not look up is no pass.

It asks the package index, so it needs a network; or a clone of PyPA's advisory database.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from supply.advisories import Hole, known_holes
from supply.locks import LOCKS, SupplyError, read

EXCEPTIONS = Path(__file__).with_name("audit-exceptions.yaml")
Key = tuple[str, str]
"""Name and version of a package."""
HoleKey = tuple[str, str]
"""Package and id of a hole."""

_TIMEOUT_S = 900
_EXCEPTION_MAX_DAYS = 180


@dataclass(frozen=True)
class Excepted:
    """A known hole that does not harm here, for a while."""

    reason: str
    until: date


def exceptions(text: str, today: date) -> Mapping[HoleKey, Excepted]:
    """Return the exceptions in force.

    Raises:
        SupplyError: for one without reason, or whose day has come, or lies too far off.

    """
    found = {}
    for entry in yaml.safe_load(text) or []:
        key = (entry.get("package", ""), entry.get("id", ""))
        reason, until = entry.get("reason", "").strip(), entry.get("until")
        where = f"{EXCEPTIONS.name}: {key[1] or entry} of {key[0] or 'no package'}"
        if not (all(key) and reason and isinstance(until, date)):
            raise SupplyError(f"{where} needs package, id, reason and until (a date)")
        if until <= today:
            raise SupplyError(f"{where} ended on {until}: raise the pin, or judge it anew")
        if (until - today).days > _EXCEPTION_MAX_DAYS:
            raise SupplyError(
                f"{where} lasts until {until}: more than {_EXCEPTION_MAX_DAYS} days are not judged"
            )
        found[key] = Excepted(reason, until)
    return found


def batches(pins: Iterable[Key]) -> list[tuple[Key, ...]]:
    """Return the pins so that no name is twice in a batch, the smallest batch first.

    Of two versions of one package, each for other Pythons, pip-audit takes one at a time.
    """
    made: list[dict[str, Key]] = []
    for pin in sorted(set(pins)):
        free = next((batch for batch in made if pin[0] not in batch), None)
        if free is None:
            made.append(free := {})
        free[pin[0]] = pin
    return sorted((tuple(batch.values()) for batch in made), key=len)


def asked(report: Mapping[str, Any], batch: Iterable[Key], locks: Mapping[Key, str]) -> list[Hole]:
    """Return the holes that a report of pip-audit names.

    Raises:
        SupplyError: where a package was not looked up.

    """
    answers = {(each["name"], each.get("version", "")): each for each in report["dependencies"]}
    missing = [key for key in batch if "vulns" not in answers.get(key, {})]
    if missing:
        raise SupplyError(
            f"{' '.join(missing[0])} and {len(missing) - 1} more packages could not be looked up, "
            f"so nothing is known of them. The package index has to be reached, and has to tell "
            f"vulnerabilities (a mirror often does not); or name a clone of PyPA's "
            f"advisory-database: make audit ADVISORIES=/path/to/advisory-database"
        )
    return [
        Hole(*key, hole["id"], tuple(hole["fix_versions"]), locks[key])
        for key in batch
        for hole in answers[key]["vulns"]
    ]


def judge(holes: Iterable[Hole], excepted: Mapping[HoleKey, Excepted]) -> list[str]:
    """Return a line for each hole that nobody has excepted."""
    return sorted({str(hole) for hole in holes if (hole.package, hole.id) not in excepted})


def _pinned() -> Mapping[Key, str]:
    """Return the locks, with commas, of each pin; markers count for nothing."""
    found: dict[Key, list[str]] = {}
    for lock in LOCKS:
        for pin in read(lock):
            found.setdefault((pin.name, pin.version), []).append(lock)
    return {key: ", ".join(dict.fromkeys(locks)) for key, locks in found.items()}


def _pip_audit(batch: Iterable[Key]) -> Mapping[str, Any]:
    # Not resolved: a lock is complete. The report is on stdout even where holes are found.
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format=json"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name}=={version}\n" for name, version in batch)
        file.flush()
        done = subprocess.run(
            [*command, "--progress-spinner=off", "--vulnerability-service=pypi", "-r", file.name],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    try:
        report: Mapping[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SupplyError(
            f"pip-audit gave no report ({last}); the package index has to be reached"
        ) from None
    return report


def _holes(advisories: Path | None) -> list[Hole]:
    if advisories:
        return [hole for lock in LOCKS for hole in known_holes(lock, advisories)]
    locks = _pinned()
    return [hole for batch in batches(locks) for hole in asked(_pip_audit(batch), batch, locks)]


def main(arguments: list[str]) -> int:
    """Audit every lock: against the index, or against a folder of advisories."""
    try:
        excepted = exceptions(EXCEPTIONS.read_text(), datetime.now(UTC).date())
        lines = judge(_holes(Path(arguments[0]) if arguments else None), excepted)
    except SupplyError as error:
        return _tell([f"error: {error}"])
    if lines:
        return _tell([*lines, f"error: {len(lines)} findings; raise the pins (`make lock`)"])
    told = f"no known hole in {len(_pinned())} pins of {len(LOCKS)} lock files"
    print(f"{told}, {len(excepted)} excepted")  # noqa: T201 - the verdict
    return 0


def _tell(lines: list[str]) -> int:
    print("\n".join(lines), file=sys.stderr)  # noqa: T201 - the verdict
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
