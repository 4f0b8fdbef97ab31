"""How seconds of a real cluster become seconds on the stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Kubernetes' horizontal-pod-autoscaler-sync-period; what every policy counts with.
HPA_PERIOD_S = 15

SCALED_OBJECT_TIMES = frozenset(
    {
        "pollingInterval",
        "cooldownPeriod",
        "initialCooldownPeriod",
        "stabilizationWindowSeconds",
        "periodSeconds",
    }
)
SETTINGS_TIMES = frozenset({"visibilityTimeoutSeconds", "softTimeLimitSeconds", "timeLimitSeconds"})
_LIMIT_OPTIONS = ("--soft-time-limit=", "--time-limit=")


@dataclass(frozen=True)
class Pace:
    """One second on the stage stands for `factor` seconds."""

    stage_hpa_s: int

    @property
    def factor(self) -> float:
        return HPA_PERIOD_S / self.stage_hpa_s

    def seconds(self, real_s: float) -> float:
        """Seconds on the stage."""
        return real_s / self.factor

    def whole(self, real_s: float) -> int:
        """Whole seconds on the stage, as Kubernetes and KEDA take them; 0 alone stays 0."""
        return max(1, round(self.seconds(real_s))) if real_s else 0

    def scaled(self, document: Any, times: frozenset[str]) -> Any:  # noqa: ANN401 - JSON
        """The document with each number under one of the keys put into seconds of the stage."""
        if isinstance(document, Mapping):
            return {
                key: self.whole(value) if key in times else self.scaled(value, times)
                for key, value in document.items()
            }
        if isinstance(document, list | tuple):
            return [self.scaled(item, times) for item in document]
        return document

    def command(self, command: list[str]) -> list[str]:
        """A worker's command line, its time limits put into seconds of the stage."""
        return [self._option(argument) for argument in command]

    def _option(self, argument: str) -> str:
        for option in _LIMIT_OPTIONS:
            if argument.startswith(option):
                return f"{option}{self.whole(float(argument.removeprefix(option)))}"
        return argument
