"""The branch's own preview environment, as a comment tells of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fleet.pipeline.markdown import block, cell, code

_LONGEST = 6_000
# The last lines of `fleet preview up`: a word, and what it says.
_FACT = re.compile(
    r"^(preview|API|image|queues|expires|cost|broker|smoke|look) {2,}(\S.*)$", re.MULTILINE
)
# A base's own kubeconfig, in a checkout.
_KEPT = re.compile(r"--kubeconfig (\S*kubeconfigs/(\S+)\.json)")
_TITLES = {
    "up": "### Preview environment",
    "failed": "### Preview environment: **not up**",
    "gone": "### Preview environment: destroyed",
    "left": "### Preview environment: **not destroyed**",
}
_WHAT_NOW = {
    "failed": "Mend what its last lines name, then push again or run the job again: it goes on "
    "from there.",
    "left": "Run the job again: it goes on from there. Else the nightly `fleet preview reap` takes "
    "it, once the branch is gone or its time is over.",
}
_SILENT = "It was not begun: the run says which step before it failed."


@dataclass(frozen=True)
class Environment:
    """A preview environment, and how it ended up."""

    state: str
    """`up`, `failed`, `gone` or `left`: it was to go, and did not."""
    told: str = ""
    """What the command printed."""


def environment_told(environment: Environment) -> Iterator[str]:
    """Yield the comment's lines on it."""
    facts = _facts(environment.told) if environment.state == "up" else {}
    name = facts.pop("preview", "").partition(" ")[0]
    yield _TITLES[environment.state] + (f" {code(name)}" if name else "")
    if now := _WHAT_NOW.get(environment.state):
        yield now if environment.told.strip() else _SILENT
    if facts:
        yield "| | |\n|---|---|"
        for word, told in facts.items():
            yield f"| {word} | {cell(told)} |"
        yield f"| logs | {code(f'fleet preview logs {name} -f')} |"
        if base := _KEPT.search(facts.get("API", "")):
            yield f"\n{code(base[1])} is kept by {code(f'fleet preview list --base {base[2]}')}."
    elif environment.told.strip() and environment.state != "gone":
        yield from block(environment.told.strip()[-_LONGEST:])
    yield ""


def _facts(printed: str) -> dict[str, str]:
    return {found[1]: found[2] for found in _FACT.finditer(printed)}
