"""Times counted in buckets, so that a median over a million images is a sum over some hundred rows.

Each bucket is a tenth wider than the one before. A time told from its bucket is off by 5 % at most, wherever it lies;
that holds for sums of buckets too, which no kept median would allow. Rows in the database hold these numbers: another
width needs a migration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

_SHORTEST = 0.0001
"""Seconds; whatever is shorter lies in the first bucket."""
_WIDTH = 1.1


def bucket_of(seconds: float) -> int:
    """The number of the bucket that holds this time."""
    return max(math.floor(math.log(max(seconds, _SHORTEST) / _SHORTEST, _WIDTH)), 0)


def seconds_of(bucket: int) -> float:
    """The time that stands for a bucket: its middle, as ratios go."""
    return float(_SHORTEST * _WIDTH ** (bucket + 0.5))


def percentile(counts: Mapping[int, int], share: float) -> float:
    """The time that at least this share of all counted times does not exceed; 0 where nothing was counted."""
    needed = math.ceil(sum(counts.values()) * share)
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= max(needed, 1):
            return seconds_of(bucket)
    return 0.0
