"""Lists what one Python has installed, as JSON; that Python runs it, so only its library is used.

`probe.py packages` lists every distribution, `probe.py plugins` the pulumi-plugin.json of each
package that has one (packages made before 2022 have none; the official host guesses theirs from the
name), `probe.py interpreter` says which Python it is.
"""

import importlib.metadata
import json
import platform
import re
import sys
from pathlib import Path


def packages() -> list[dict[str, object]]:
    """Every distribution: name, version, and whether another one needs it."""
    distributions = {_normal(d.metadata["Name"]): d for d in importlib.metadata.distributions()}
    needed = {name for d in distributions.values() for name in _requirements(d)}
    return [
        {"name": name, "version": distribution.version, "needed": name in needed}
        for name, distribution in sorted(distributions.items())
    ]


def plugins() -> list[dict[str, object]]:
    """Every pulumi-plugin.json on the import path."""
    files = [file for folder in sys.path for file in Path(folder).glob("*/pulumi-plugin.json")]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _requirements(distribution: importlib.metadata.Distribution) -> set[str]:
    lines = [line for line in distribution.requires or [] if "extra ==" not in line]
    found = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines]
    return {_normal(match.group()) for match in found if match}


def _normal(name: str) -> str:
    """A name in the spelling of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def interpreter() -> dict[str, str]:
    """Path and version of the Python that runs."""
    return {"executable": sys.executable, "version": platform.python_version()}


if __name__ == "__main__":
    questions = {"packages": packages, "plugins": plugins, "interpreter": interpreter}
    print(json.dumps(questions[sys.argv[1]]()))  # noqa: T201 - the answer goes to the host's pipe
