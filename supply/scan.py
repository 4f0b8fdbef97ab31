"""Looks for secrets in files before they get into git; what only looks like one is listed.

The detectors are detect-secrets' own and one of Pulumi's state. Nothing leaves the machine: none
is tried out.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import yaml
from detect_secrets.core import scan
from detect_secrets.settings import transient_settings

from supply.locks import ROOT, SupplyError

ALLOWED = Path(__file__).with_name("allowed-strings.yaml")
_OWN = Path(__file__).with_name("pulumi_secrets.py")
_DETECTORS = (
    "AWSKeyDetector",
    "Base64HighEntropyString",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "HexHighEntropyString",
    "JwtTokenDetector",
    "KeywordDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SlackDetector",
)
# Not `pragma: allowlist secret`: a line would be let through without a reason.
_FILTERS = (
    "is_likely_id_string",
    "is_not_alphanumeric_string",
    "is_potential_uuid",
    "is_prefixed_with_dollar_sign",
    "is_sequential_string",
    "is_templated_secret",
)
_SETTINGS = {
    "plugins_used": [
        *({"name": name} for name in _DETECTORS),
        {"name": "PulumiSecretDetector", "path": _OWN.as_uri()},
    ],
    "filters_used": [
        {"path": "supply.prefilter.holds_nothing"},
        *({"path": f"detect_secrets.filters.heuristic.{name}"} for name in _FILTERS),
    ],
}
# Hashes by the thousand, and pictures.
_PASSED_OVER = ("*requirements*.txt", "go.sum", "*.png", "results/*.json", ALLOWED.name)
_HASH_LENGTH = 12


@dataclass(frozen=True)
class Found:
    """A string that looks like a secret; the string itself is not kept."""

    file: str
    line: int
    kind: str
    hash: str
    """The start of its SHA-1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind} ({self.hash})"


@dataclass(frozen=True)
class Allowed:
    """A string that is no secret, where it is none."""

    files: str
    hash: str

    def covers(self, one: Found) -> bool:
        """Say whether it is this string in one of these files."""
        return self.hash == one.hash and fnmatchcase(one.file, self.files)


def tree(root: Path = ROOT) -> list[str]:
    """Return every file that git knows, or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (root / name).is_file())


def found(names: Iterable[str], root: Path = ROOT) -> Iterator[Found]:
    """Yield what looks like a secret in files, allowed or not."""
    with transient_settings(_SETTINGS):
        for name in names:
            if any(PurePosixPath(name).match(pattern) for pattern in _PASSED_OVER):
                continue
            for secret in scan.scan_file(str(root / name)):
                digest = secret.secret_hash[:_HASH_LENGTH]
                yield Found(name, secret.line_number, secret.type, digest)


def allowed(text: str) -> tuple[Allowed, ...]:
    """Return the strings that are none.

    Raises:
        SupplyError: for an entry without a reason.

    """
    listed: list[Allowed] = []
    for entry in yaml.safe_load(text):
        reason, files = entry.get("reason"), entry.get("files")
        if not (reason and files):
            raise SupplyError(f"{ALLOWED.name}: {entry} needs reason and files")
        listed += [Allowed(where, each) for where, some in files.items() for each in some]
    return tuple(listed)


def main(names: list[str]) -> int:
    """Scan the files named, or all; tell each string that nobody has allowed."""
    none = allowed(ALLOWED.read_text())
    left = [one for one in found(names or tree()) if not any(each.covers(one) for each in none)]
    for one in left:
        print(one, file=sys.stderr)  # noqa: T201 - the verdict
    if left:
        print(  # noqa: T201 - likewise
            f"error: {len(left)} strings look like secrets. Take them out, and draw anew what was "
            f"ever pushed; one that is none goes into supply/{ALLOWED.name}, with the reason",
            file=sys.stderr,
        )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
