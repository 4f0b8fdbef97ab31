"""One alert rule, and a stack's own series in the words of PromQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["page", "ticket"]
_UNITS = ((3600, "h"), (60, "m"))


@dataclass(frozen=True)
class Rule:
    """When someone is told, how urgently, and in which words.

    `summary` and `description` are Prometheus templates; `{{ $value }}` is the expression's value.
    """

    alert: str
    """Also the name of its page in docs/runbooks."""
    expr: str
    for_s: int
    severity: Severity
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside severity and stack: the queue, worker or other part that it is about."""


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Series:
    """Selectors of one stack's series; another stack of the same Prometheus has none of them."""

    namespace: str

    def of(self, metric: str, *matchers: str) -> str:
        """A metric of the stack's own pods and objects."""
        inside = ",".join([equal("namespace", self.namespace), *matchers])
        return f"{metric}{{{inside}}}"

    def of_keda(self, function: str, metric: str, worker_object: str, window: str = "") -> str:
        """What KEDA tells of a ScaledObject, in brackets of a function's call or of none.

        Prometheus renames the label `namespace` of what it scrapes in KEDA's own namespace to
        `exported_namespace`, unless the scrape honours labels.
        """
        arms = (
            f'{function}({metric}{{{label}="{self.namespace}",scaledObject="{worker_object}"}}'
            f"{window})"
            for label in ("exported_namespace", "namespace")
        )
        return f"({' or '.join(arms)})"


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes a duration, in the largest unit that divides them."""
    whole = round(seconds)
    for size, unit in _UNITS:
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def equal(label: str, value: str) -> str:
    """A matcher of one value."""
    return f'{label}="{value}"'


def unlike(label: str, value: str) -> str:
    """A matcher of every value but one."""
    return f'{label}!="{value}"'


def any_of(label: str, values: Iterable[str], after: str = "") -> str:
    """A matcher of several values, each with the same pattern after it."""
    # A dot in brackets needs no backslash, which PromQL would want doubled.
    names = "|".join(value.replace(".", "[.]") for value in values)
    return f'{label}=~"({names}){after}"' if after else f'{label}=~"{names}"'


def counted(series: str, window: str, *by: str) -> str:
    """How much counters rose within a window, over all series or by labels.

    `increase` misses a series' first value: with workers that come from zero, whose every pod is
    a new series, that would be each pod's first task.
    """
    highest = f"max_over_time({series}[{window}])"
    total = f"sum by ({', '.join(by)}) " if by else "sum"
    return f"{total}((({highest} - {series} offset {window}) >= 0) or {highest})"


def or_zero(expression: str) -> str:
    """An expression that has a value where there are no series."""
    return f"({expression} or vector(0))"
