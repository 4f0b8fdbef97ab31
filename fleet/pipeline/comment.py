"""The comment on a pull request: where its preview is, what merging it does, what that costs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fleet.pipeline.changes import Breach, Changes, Step
from fleet.pipeline.cost import CostChange
from fleet.pipeline.environment import Environment, environment_told
from fleet.pipeline.markdown import MARKER, block, code, few, text
from fleet.pipeline.stack_files import FileChange

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
_WORDS = 12_000
"""Characters about one stack file: they are not to push out what the policies say."""
_PRICES = 10
_SOURCE = (
    "<sub>From the stack files of both commits alone, by this commit's program: what the program's "
    "own change does is among the resources that Pulumi previews.</sub>\n"
)
_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}


@dataclass(frozen=True)
class Told:
    """Everything that the comment is made of."""

    stack: str
    commit: str
    run_url: str
    changes: Changes | None = None
    """None: the stack was not asked, as when the pull request is closed."""
    files: Sequence[FileChange] = ()
    """Of every stack whose file is in the commit, or was."""
    environment: Environment | None = None
    problem: str = ""
    """Why the rest could not be looked at."""


def markdown(told: Told) -> str:
    """Return the comment, marker first, within GitHub's limit."""
    parts = [MARKER, *_head(told)]
    if told.environment is not None:
        parts += environment_told(told.environment)
    if told.problem:
        parts += ["### **Not all of it could be looked at**", *block(told.problem), ""]
    if told.files:
        parts += [files_told(told.files)]
    if told.changes is not None:
        parts += [*_changes(told.changes, told.stack), *_policies(told.changes)]
    return _cut("\n".join(parts).rstrip() + "\n", f"\n\nCut here; all of it: {told.run_url}\n")


def files_told(files: Iterable[FileChange]) -> str:
    """Return what the stack files' changes do, and what they cost."""
    found = list(files)
    words = (_within(each.words, _WORDS) for each in found)
    return "\n".join([*words, *_costs(found), _SOURCE])


def summary(changes: Changes, stack: str) -> str:
    """Return the same of a stack alone, for a run's summary page."""
    return "\n".join([*_changes(changes, stack), *_policies(changes)]).rstrip() + "\n"


def _head(told: Told) -> Iterator[str]:
    links = [f"Commit {code(told.commit[:12])}", f"[run]({told.run_url})"]
    shown = (each.grafana_url for each in told.files if each.stack == told.stack)
    links += [f"[dashboards]({url.replace(')', '%29')})" for url in shown if url]
    yield " · ".join(links)
    yield ""


def _changes(changes: Changes, stack: str) -> Iterator[str]:
    counts = ", ".join(f"{number} to {op}" for op, number in changes.counts.items())
    told = counts or "nothing to change"
    broken_off = "" if changes.complete else "; **the preview broke off, this is not all**"
    yield f"### Resources of stack {code(stack)}: {told}{broken_off}"
    yield f"{changes.unchanged} unchanged" if changes.unchanged else ""
    if changes.errors:
        yield from block("\n".join(few(changes.errors)))
    if changes.steps:
        yield "<details><summary>Resources</summary>\n"
        yield from block("\n".join(few(map(_step, changes.steps))), "diff")
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
        yield from block("\n".join(few(map(_breach, [*broken, *advised]))))
    yield ""


def _breach(breach: Breach) -> str:
    where = f" ({breach.resource})" if breach.resource else ""
    return f"[{breach.level}] {breach.rule}{where}: {' '.join(breach.message.split())}"


def _costs(files: Sequence[FileChange]) -> Iterator[str]:
    yield "### Cost, US dollars a month"
    yield "| | before | after | change |\n|---|---:|---:|---:|"
    for each in files:
        yield from _rows(code(each.stack), each.cost)
    notes = (note for each in files for note in _notes(each.cost))
    for note in dict.fromkeys(notes):
        yield f"\n{note}"
    yield ""


def _rows(stack: str, cost: CostChange) -> Iterator[str]:
    after, before = cost.after, cost.before
    if after is None:
        yield f"| {stack} | - | not known | - |"
        return
    yield _row(f"{stack} at rest", before.rest_usd if before else None, after.rest_usd)
    load = before.load_usd if before else None
    yield _row(f"{stack} under the declared load", load, after.load_usd)


def _row(name: str, before: float | None, after: float) -> str:
    if before is None:
        return f"| {name} | - | {after:,.0f} | - |"
    change = round(after) - round(before)
    return f"| {name} | {before:,.0f} | {after:,.0f} | {f'{change:+,}' if change else '0'} |"


def _notes(cost: CostChange) -> Iterator[str]:
    if cost.why:
        yield text(cost.why)
    if cost.after and cost.after.unpriced:
        unpriced = few(map(code, cost.after.unpriced), _PRICES)
        yield f"Not counted, for want of a price: {', '.join(unpriced)}"


def _within(words: str, longest: int) -> str:
    """Cut at the end of a line."""
    if len(words) <= longest:
        return words
    return words[: words.rindex("\n", 0, longest)] + "\n\n... and more, which is cut here\n"


def _cut(whole: str, ending: str) -> str:
    if len(whole) <= LIMIT:
        return whole
    return whole[: LIMIT - len(ending) - len("\n```")] + "\n```" + ending
