"""Numbers as Grafana writes them, for the units that the dashboards use."""

import math
from collections.abc import Callable

_KILO = ("", " K", " Mil", " Bil")
_KIBI = (" B", " KiB", " MiB", " GiB", " TiB")
_HOUR_S, _DAY_S = 3600, 86_400
_PLAIN = {"ops": " ops/s", "cpm": " /min", "celsius": " °C", "watt": " W", "percent": "%"}


def written(value: float, unit: str) -> str:
    """A value in its unit; nothing for one that is no number."""
    if math.isnan(value):
        return ""
    return _WRITTEN[unit](value) if unit in _WRITTEN else f"{value:.4g}" + _PLAIN.get(unit, "")


def _scaled(value: float, base: int, names: tuple[str, ...]) -> str:
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{value:.3g}{names[power]}"


def _duration(seconds: float) -> str:
    if abs(seconds) < 1:
        return f"{seconds * 1000:.3g} ms" if seconds else "0 s"
    for size, name in ((_DAY_S, "days"), (_HOUR_S, "hours"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"


def _dollars(value: float) -> str:
    return f"${value:.2f}" if value >= 1 or value == 0 else f"${value:.3g}"


_WRITTEN: dict[str, Callable[[float], str]] = {
    "bool_yes_no": lambda value: "Yes" if value else "No",
    "s": _duration,
    "percentunit": lambda value: f"{value * 100:.3g}%",
    "currencyUSD": _dollars,
    "bytes": lambda value: _scaled(value, 1024, _KIBI),
    "Bps": lambda value: _scaled(value, 1024, _KIBI) + "/s",
    "short": lambda value: _scaled(value, 1000, _KILO),
}
