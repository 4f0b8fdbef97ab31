"""The pages of docs/, taken apart: blocks, commands, and what stands in backticks."""

import re
import textwrap

from tests.unit.recorder import ROOT

NAMES = (
    "aws.md",
    "architecture.md",
    "ci.md",
    "admission.md",
    "network.md",
    "operations.md",
    "alerts.md",
    "troubleshooting.md",
    "dashboards.md",
    "smoke_and_diff.md",
    "runbooks/aws-upgrade.md",
    "runbooks/aws-teardown.md",
    *(f"runbooks/{page.name}" for page in (ROOT / "docs/runbooks").glob("[A-Z]*.md")),
)
PAGES = {name: (ROOT / "docs" / name).read_text() for name in NAMES}
EVERYTHING = "\n".join(PAGES.values())
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPANS = set(re.findall(r"`([^`\n]+)`", _BLOCK.sub("", EVERYTHING)))


def blocks(language: str) -> list[str]:
    """Contents of every block of a language."""
    return [textwrap.dedent(m[3]) for m in _BLOCK.finditer(EVERYTHING) if m[2] == language]


def commands(program: str) -> set[str]:
    """Commands of a program, from consoles and from the text."""
    lines = "\n".join(blocks("console")).replace("\\\n", " ").splitlines()
    typed = {part for line in lines for part in re.split(r" (?:&&|\|) ", line.removeprefix("$ "))}
    return {one.strip() for one in typed | SPANS if one.startswith(f"{program} ")}
