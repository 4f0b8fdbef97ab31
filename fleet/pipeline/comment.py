"""The comment on a pull request: what merging it does, what it costs, where its preview is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleet.pipeline.changes import Breach, Changes, Step
from fleet.pipeline.cost import Bill, CostChange

MARKER = "<!-- celery-fleet-preview -->"
"""By this the comment is found again; it begins with it."""
LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
_LINES = 40
_LINE = 300
_ENVIRONMENT = 6_000
_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}


@dataclass(frozen=True)
class Environment:
    """The branch's own preview environment."""

    state: str
    """`up`, `failed` or `gone`."""
    told: str = ""
    """What the command that made it printed."""


@dataclass(frozen=True)
class Told:
    """Everything that the comment is made of."""

    stack: str
    commit: str
    run_url: str
    changes: Changes | None = None
    """None: the stack was not asked, as when the pull request is closed."""
    cost: CostChange | None = None
    environment: Environment | None = None


def markdown(told: Told) -> str:
    """Return the comment, marker first, within GitHub's limit."""
    parts = [MARKER, *_head(told)]
    if told.environment is not None:
        parts += _environment(told.environment)
    if told.changes is not None:
        parts += [*_changes(told.changes, told.stack), *_policies(told.changes)]
    if told.cost is not None:
        parts += _cost(told.cost)
    return _cut("\n".join(parts).rstrip() + "\n", f"\n\nCut here; all of it: {told.run_url}\n")


def summary(changes: Changes, stack: str) -> str:
    """Return the same of a stack alone, for a run's summary page."""
    return "\n".join([*_changes(changes, stack), *_policies(changes)]).rstrip() + "\n"


def _head(told: Told) -> Iterator[str]:
    yield f"Commit {_code(told.commit[:12])} · [run]({told.run_url})"
    yield ""


def _environment(environment: Environment) -> Iterator[str]:
    titles = {
        "up": "### Preview environment",
        "failed": "### Preview environment: **not up**; the run says why",
        "gone": "### Preview environment: destroyed",
    }
    yield titles[environment.state]
    if environment.told.strip():
        yield from _block(environment.told.strip()[-_ENVIRONMENT:])
    yield ""


def _changes(changes: Changes, stack: str) -> Iterator[str]:
    counts = ", ".join(f"{number} to {op}" for op, number in changes.counts.items())
    told = counts or "nothing to change"
    broken_off = "" if changes.complete else "; **the preview broke off, this is not all**"
    yield f"### Stack {_code(stack)}: {told}{broken_off}"
    yield f"{changes.unchanged} unchanged" if changes.unchanged else ""
    if changes.errors:
        yield from _block("\n".join(_few(changes.errors)))
    if changes.steps:
        yield "<details><summary>Resources</summary>\n"
        yield from _block("\n".join(_few(map(_step, changes.steps))), "diff")
        yield "\n</details>"
    yield ""


def _step(step: Step) -> str:
    # Lines of a diff are coloured by their first character, which `~` and `+-` have none of.
    sign = _SIGNS.get(step.op, "!")
    paths = f" [{', '.join(step.paths)}]" if step.paths else ""
    return f"{sign:2} {step.type.rsplit(':', 1)[-1]} {step.name}{paths}"


def _policies(changes: Changes) -> Iterator[str]:
    if not changes.packs:
        yield "### Policies: **not judged**\n"
        return
    broken = [one for one in changes.breaches if one.level == "mandatory"]
    advised = [one for one in changes.breaches if one.level != "mandatory"]
    verdict = f"{len(broken)} broken" if broken else "all kept"
    advice = f", {len(advised)} advised" if advised else ""
    yield f"### Policies: {verdict}{advice} ({', '.join(changes.packs)})"
    if changes.breaches:
        yield from _block("\n".join(_few(map(_breach, [*broken, *advised]))))
    yield ""


def _breach(breach: Breach) -> str:
    where = f" ({breach.resource})" if breach.resource else ""
    return f"[{breach.level}] {breach.rule}{where}: {' '.join(breach.message.split())}"


def _cost(cost: CostChange) -> Iterator[str]:
    if cost.after is None:
        yield f"### Cost: not known\n{_text(cost.why)}\n"
        return
    yield "### Cost, US dollars a month"
    yield "| | before | after | change |\n|---|---:|---:|---:|"
    before, after = cost.before, cost.after
    yield _row("at rest", before.rest_usd if before else None, after.rest_usd)
    yield _row("under the declared load", before.load_usd if before else None, after.load_usd)
    if cost.why:
        yield f"\n{_text(cost.why)}"
    yield from _unpriced(cost.after)
    yield ""


def _unpriced(bill: Bill) -> Iterator[str]:
    if bill.unpriced:
        yield f"\nNot counted, for want of a price: {', '.join(map(_code, bill.unpriced))}"


def _row(name: str, before: float | None, after: float) -> str:
    if before is None:
        return f"| {name} | - | {after:,.0f} | - |"
    change = round(after) - round(before)
    return f"| {name} | {before:,.0f} | {after:,.0f} | {f'{change:+,}' if change else '0'} |"


def _few(lines: Iterable[str]) -> list[str]:
    found = [line if len(line) <= _LINE else f"{line[: _LINE - 3]}..." for line in lines]
    more = len(found) - _LINES
    return [*found[:_LINES], f"... and {more} more"] if more > 0 else found


def _block(text: str, language: str = "") -> Iterator[str]:
    """Fence a text that may hold fences, or a marker, of its own."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    yield f"{ticks}{language}\n{text.replace(MARKER, '')}\n{ticks}"


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _text(text: str) -> str:
    return " ".join(text.replace("<", "&lt;").split())


def _cut(text: str, ending: str) -> str:
    if len(text) <= LIMIT:
        return text
    return text[: LIMIT - len(ending) - len("\n```")] + "\n```" + ending
