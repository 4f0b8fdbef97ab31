"""The lock's packages as files, fetched once, so that a build needs no network for them."""

import re
import sys
from collections.abc import Collection
from pathlib import Path

from rehearsal.image.programs import run

_GLIBC = ("manylinux_2_34", "manylinux_2_28", "manylinux2014", "manylinux_2_17")


def ensure_wheels(lock: Path, wanted: Collection[str], python: str, folder: Path) -> Path:
    """Return the folder with a wheel of each wanted pin, every one checked against its hash.

    Args:
        lock: a requirements file with hashes.
        wanted: pins `name==version` that count for the base's Python.
        python: the base's Python, such as 3.11.2.
        folder: where the files are kept.

    Raises:
        RehearsalError: where pip cannot fetch one.

    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / "asked.txt"
    text = "".join(_entry(lock.read_text(), pin) for pin in sorted(wanted))
    if asked.is_file() and asked.read_text() == text:
        return folder
    draft = folder / "asking.txt"
    draft.write_text(text)
    short = ".".join(python.split(".")[:2])
    machine = run(["uname", "-m"], "asking for the machine's architecture").strip()
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--require-hashes", "--only-binary=:all:", f"--dest={folder}"),
            *("--implementation=cp", f"--python-version={short}", f"--requirement={draft}"),
            *(f"--abi=cp{short.replace('.', '')}", "--abi=abi3", "--abi=none"),
            *(f"--platform={glibc}_{machine}" for glibc in _GLIBC),
        ],
        "fetching the image's packages",
    )
    draft.replace(asked)
    return folder


def _entry(lock: str, pin: str) -> str:
    """Return a pin of the lock with its hashes and without its marker."""
    found = re.search(
        rf"^{re.escape(pin)}(?: *;[^\\\n]*?)?((?: *\\\n +--hash=\S+)+)", lock, re.MULTILINE
    )
    if found is None:
        raise ValueError(f"the lock has no {pin} with hashes")
    return f"{pin}{found[1]}\n"
