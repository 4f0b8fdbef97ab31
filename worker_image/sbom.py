"""What the image is made of, as its label tells: each package of the lock with its version."""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import Marker

# A pin of a lock file: name, version, and the marker that says where it counts.
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: *; *([^\\\n]+))?", re.MULTILINE)


def locked(texts: Iterable[str], python: str) -> str:
    """Return `name==version` of every pin that counts for this Python, sorted, on one line.

    Args:
        texts: of lock files.
        python: the base image's version, such as 3.11.2; two patch releases may need other pins.

    """
    pins = (pin for text in texts for pin in _PIN.findall(text))
    return _line((name, version) for name, version, marker in pins if _counts(marker, python))


def installed() -> str:
    """Return the same of what this Python can import."""
    return _line((each.metadata["Name"], each.version) for each in distributions())


def main(arguments: list[str]) -> str | None:
    """Print the label of a Python version and lock files; or say how one differs from the image."""
    if arguments[0] != "--installed":
        python, *files = arguments
        print(locked((Path(name).read_text() for name in files), python))  # noqa: T201 - its answer
        return None
    told, found = set(arguments[1].split()), set(installed().split())
    if told == found:
        return None
    return (
        f"PACKAGES is not what the image holds: it lacks {sorted(found - told)} and names "
        f"{sorted(told - found)}, which are not there; make it with `python -m worker_image.sbom`"
    )


def _line(pins: Iterable[tuple[str, str]]) -> str:
    return " ".join(sorted({f"{_normal(name)}=={version}" for name, version in pins}))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _counts(marker: str, python: str) -> bool:
    short = ".".join(python.split(".")[:2])
    here = {"python_full_version": python, "python_version": short}
    return not marker or Marker(marker.strip()).evaluate(here)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
