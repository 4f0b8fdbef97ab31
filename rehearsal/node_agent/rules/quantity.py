"""Kubernetes quantities (`500m`, `2Gi`, `1e3`) as numbers."""

import math
from decimal import Decimal

# apimachinery pkg/api/resource/quantity.go: binary, then decimal suffixes.
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_MILLI = Decimal("0.001")


def parse_quantity(text: str) -> Decimal:
    """Read a quantity that the API server has already accepted."""
    if text[-2:] in _BINARY:
        return Decimal(text[:-2]) * Decimal(1024) ** _BINARY[text[-2:]]
    if text[-1:] in _DECIMAL:
        return Decimal(text[:-1]).scaleb(_DECIMAL[text[-1]])
    return Decimal(text)


def in_units_of(text: str, divisor: str) -> int:
    """How many divisors a quantity holds, rounded up; a divisor of 0 counts as 1.

    Both are rounded up to thousandths first, as the kubelet compares milli-values.
    """
    unit = parse_quantity(divisor) or Decimal(1)
    return math.ceil(_rounded_up(parse_quantity(text)) / _rounded_up(unit))


def _rounded_up(value: Decimal) -> Decimal:
    return math.ceil(value / _MILLI) * _MILLI
