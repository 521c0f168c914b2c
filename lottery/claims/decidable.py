"""Whether a question can be decided at all: which verdicts its region and its number of seeds leave possible.

A mean can always be decided from two seeds on. A share of n seeds takes n + 1 values, and few or none of them may lie
far enough inside or outside the region. A question is refused unless each of the two verdicts can be had with at least
two counts: what "0 of 10" alone would reproduce, a single seed makes undecidable for ever.
"""

from functools import cache
from math import comb

from lottery.claims.statistics import ALPHA, Region

COUNTS = 2  # how many counts have to lead to each verdict
MOST = 1000  # seeds that an entry may ask for


def undecidable_share(region: Region, n: int, parts: int = 1) -> str:
    """Return why a share of n seeds cannot be decided, with the n that it takes, or an empty string.

    `parts` is the number of parts that can refute the conjunction that it belongs to: each does so at ALPHA / parts.
    """
    if region.high < 0 or region.low > 1:
        return f"{[region.low, region.high]} lies outside all shares, which are from 0 to 1"
    reproduced, refuted = deciding_counts(region, n, parts)
    if min(len(reproduced), len(refuted)) >= COUNTS:
        return ""
    verdict, counts = ("reproduced", reproduced) if len(reproduced) < COUNTS else ("refuted", refuted)
    by = f"by {counts[0]} of {n} alone" if counts else f"by no count of {n}"
    needed = _needed(region, n, parts)
    takes = f"it takes {needed} seeds" if needed else f"no number of seeds up to {MOST:,} would do"
    return f"a share in {[region.low, region.high]} is {verdict} {by}; {takes}"


def undecidable_mean(n: int) -> str:
    """Return why a mean of n seeds cannot be decided, or an empty string."""
    return "" if n >= 2 else f"seeds = {n} should be at least 2: a mean without a spread is never decided"


@cache
def deciding_counts(region: Region, n: int, parts: int = 1) -> tuple[list[int], list[int]]:
    """Return the counts out of n that are reproduced and those that are refuted.

    These are the exact tests of `decide_proportion`, in closed form: a file of entries is read without scipy.
    """
    low, high = max(region.low, 0.0), min(region.high, 1.0)
    at_low, at_high = ([comb(n, k) * end**k * (1 - end) ** (n - k) for k in range(n + 1)] for end in (low, high))
    reproduced, refuted = [], []
    for k in range(n + 1):
        inside = max(sum(at_low[k:]) if low > 0 else 0.0, sum(at_high[: k + 1]) if high < 1 else 0.0)
        outside = min(sum(at_low[: k + 1]) if low > 0 else 1.0, sum(at_high[k:]) if high < 1 else 1.0)
        if inside <= ALPHA:
            reproduced.append(k)
        elif outside <= ALPHA / parts:
            refuted.append(k)
    return reproduced, refuted


def _needed(region: Region, n: int, parts: int) -> int | None:
    """Return the smallest number of seeds above n that decides, or None."""
    if region.low <= 0 and region.high >= 1:  # nothing refutes what all shares agree with
        return None
    more = range(n + 1, MOST + 1)
    return next((m for m in more if min(map(len, deciding_counts(region, m, parts))) >= COUNTS), None)
