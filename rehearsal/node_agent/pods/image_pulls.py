"""A stand-in for image pulls: the first pod of an image on a fresh node waits for it."""

import time
from collections.abc import Callable


class ImagePulls:
    """When each node has, or will have, each image; nothing is downloaded."""

    def __init__(self, pull_s: Callable[[str], float]) -> None:
        self._pull_s = pull_s
        """Seconds that a node of this name takes for an image."""
        self._there_at: dict[tuple[str, str], float] = {}

    def remaining_s(self, node: str, repository: str) -> float:
        """How long the image is still under way; the first question begins the pull."""
        now = time.monotonic()
        there_at = self._there_at.setdefault((node, repository), now + self._pull_s(node))
        return max(0.0, there_at - now)

    def forget(self, node: str) -> None:
        """The node is gone; its successor of the same name is another machine."""
        for key in [key for key in self._there_at if key[0] == node]:
            del self._there_at[key]
