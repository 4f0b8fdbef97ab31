"""What became of each message, and whether that is what is promised."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos.fuzz.messages import Message
from chaos.fuzz.run import Sent
from chaos.fuzz.seen import Seen
from chaos.fuzz.tasks import expected

RSS_MAX_MIB = 512.0
"""No process of a worker may take more; one takes about 100 at rest, and a bomb unpacks to 300."""
_TOLD = 5
"""Problems that are told one by one, of each kind."""

DONE, PARKED, ENDED, NOTHING = "ran, with its result", "parked", "an end recorded", "no trace"


@dataclass
class Verdict:
    """A run, judged."""

    seed: int
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind of message: how many came to which end."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Letters by the beginning of their reason."""
    problems: list[str] = field(default_factory=list)


def judged(seed: int, sent: Sent, seen: Seen, rss_mib: dict[str, float]) -> Verdict:
    """Hold what was seen against what was sent."""
    verdict, runs = Verdict(seed), Counter(seen.runs)
    wrong: Counter[str] = Counter()
    # A mutated id may be that of several messages.
    under = Counter(message.task_id for message in sent.messages)
    for message in sent.messages:
        end = _end(message, seen, runs)
        verdict.outcomes.setdefault(message.kind, Counter())[end] += 1
        if (problem := _problem(message, end, runs[message.task_id or ""], under)) is not None:
            wrong[message.kind] += 1
            if wrong[message.kind] <= _TOLD:
                verdict.problems.append(f"--seed {seed} --only {message.number}: {problem}")
    verdict.problems += [f"{kind}: {count} in all" for kind, count in wrong.items()]
    verdict.reasons = Counter(" ".join(why.split()[:4]) for why in seen.letters.values())
    verdict.problems += [*_of_the_run(sent, seen), *_of_memory(rss_mib)]
    return verdict


def _end(message: Message, seen: Seen, runs: Counter[str]) -> str:
    """Say what became of a message; its own id is only told where its headers can be read."""
    task_id = message.task_id
    if task_id is not None and runs[task_id] and _succeeded(message, seen):
        return DONE
    if message.letter in seen.letters or task_id in seen.letters:
        return PARKED
    if task_id is not None and (task_id in seen.results or task_id in seen.logged):
        return ENDED
    return NOTHING


def _succeeded(message: Message, seen: Seen) -> bool:
    told = seen.results.get(message.task_id or "", {})
    return told.get("status") == "SUCCESS" and told.get("result") == expected(message.number)


def _problem(message: Message, end: str, runs: int, under: Counter[str | None]) -> str | None:
    if runs > under[message.task_id]:
        return f"{message.kind}: it ran {runs} times"
    wanted = {"done": {DONE}, "parked": {PARKED}, "any": {DONE, PARKED, ENDED}}[message.ends]
    if end not in wanted:
        return f"{message.kind}: {end}, not {' or '.join(sorted(wanted))}"
    return None


def _of_the_run(sent: Sent, seen: Seen) -> Iterator[str]:
    if seen.code_run:
        yield "CODE OF A MESSAGE WAS RUN"
    yield from (f"{name} has ended" for name in seen.ended)
    yield from (f"a process of {name}'s pool has ended" for name in seen.pools_changed)
    if seen.left:
        yield f"not empty at rest: {dict(seen.left)}"
    if missing := [each for each in sent.records if each not in seen.letters]:
        yield f"{len(missing)} malformed records of what is held were not parked: {missing[:_TOLD]}"
    oversize = sum(message.kind == "above the largest message" for message in sent.messages)
    if seen.unreadable != oversize:
        yield f"{seen.unreadable} messages are in the list for unreadable ones, not {oversize}"


def _of_memory(rss_mib: dict[str, float]) -> Iterator[str]:
    for name, mib in rss_mib.items():
        if mib > RSS_MAX_MIB:
            yield f"a process of {name} took {mib:.0f} MiB, above {RSS_MAX_MIB:.0f}"
