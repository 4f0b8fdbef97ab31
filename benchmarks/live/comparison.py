"""Paired ratios: ours over a peer's, block by block, with an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 10_000
_LEAST_BLOCKS = 5
"""Fewer say nothing about how far the next one would be off."""


@dataclass(frozen=True)
class Ratio:
    """Median of the blocks' ratios, and its bootstrap 95 % interval."""

    median: float
    low: float
    high: float
    blocks: int

    @property
    def differs(self) -> bool:
        """Whether a difference is claimed: enough blocks, and an interval without 1."""
        return self.blocks >= _LEAST_BLOCKS and not self.low <= 1 <= self.high


def ratio(ours: Mapping[int, float], peer: Mapping[int, float]) -> Ratio | None:
    """Compare by block; None where no block has both, or a peer's value is 0."""
    pairs = [(ours[block], peer[block]) for block in sorted(ours.keys() & peer.keys())]
    if not pairs or any(theirs <= 0 for _, theirs in pairs):
        return None
    return interval([own / theirs for own, theirs in pairs])


def interval(ratios: Sequence[float]) -> Ratio:
    """Bootstrap the median over the blocks; the same numbers for the same ratios."""
    values = np.asarray(ratios)
    draws = np.random.default_rng(0)
    picked = draws.choice(values, size=(_RESAMPLES, values.size), replace=True)
    low, high = np.quantile(np.median(picked, axis=1), (0.025, 0.975))
    return Ratio(float(np.median(values)), float(low), float(high), int(values.size))
