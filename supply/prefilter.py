"""Tells lines in which no detector can find anything, so that a scan takes seconds.

The words and patterns are the detectors' own; of entropy, the shortest that can have so much.
"""

import re

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.keyword import DENYLIST

from supply.pulumi_secrets import PulumiSecretDetector

_DETECTORS: tuple[type, ...] = tuple(get_mapping_from_secret_type_to_class().values())
# n different characters have at most log2(n) bits each: 8 reach 3 bits, 23 reach 4.5.
_MAY = (
    re.compile("|".join(DENYLIST), re.IGNORECASE),
    re.compile(r"""["'](?:[0-9a-fA-F]{8,}|[\w+/=\\-]{23,})["']"""),
    *(
        pattern
        for detector in (*_DETECTORS, PulumiSecretDetector)
        if issubclass(detector, RegexBasedDetector)
        for pattern in detector.denylist  # type: ignore[attr-defined]  # a property, in its types
    ),
)


def holds_nothing(line: str) -> bool:
    """Say whether no detector can find anything in a line."""
    return not any(pattern.search(line) for pattern in _MAY)
