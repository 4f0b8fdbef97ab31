"""Kubernetes' `$(NAME)` references in env values, commands and arguments."""

import re
from collections.abc import Mapping

# `$$` first: it escapes a reference (k8s.io/kubernetes third_party/forked/golang/expansion).
_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$)|\((?P<name>[^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace each `$(NAME)`; an unknown name stays as it is written, `$$` becomes `$`."""

    def replacement(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        return values.get(match["name"], match[0])

    return _REFERENCE.sub(replacement, text)
