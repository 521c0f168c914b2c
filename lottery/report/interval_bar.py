"""A small picture of an estimate: its interval on the region that agrees with the claim."""

from collections.abc import Sequence
from math import isfinite

REGION, ZERO, ESTIMATE, LEFT, RIGHT, LINE = "░", "│", "●", "├", "┤", "─"
EDGE = 0.06  # of the width that is left free beside the outermost thing that is shown


def extent(
    region: Sequence[float | None], estimate: float, interval: Sequence[float | None] | None, zero: bool
) -> tuple[float, float]:
    """Return from where to where a picture shows: the lowest and the highest of all finite ends, and a little more."""
    ends = [end for end in (*region, *(interval or ()), estimate) if end is not None and isfinite(end)]
    ends += [0.0] if zero else []
    low, high = min(ends), max(ends)
    spread = (high - low) or max(abs(high), 1.0)
    return low - EDGE * spread, high + EDGE * spread


def interval_bar(
    region: Sequence[float | None], estimate: float, interval: Sequence[float | None] | None, width: int, zero: bool
) -> str:
    """Return `width` characters: the region, the interval within its ends, the estimate, and zero where that is asked.

    Ends that are None are infinite.
    """
    low, high = extent(region, estimate, interval, zero)

    def place(value: float | None, open_end: int) -> int:
        return open_end if value is None else min(width - 1, max(0, int((value - low) / (high - low) * width)))

    cells = [" "] * width
    first, last = place(region[0], 0), place(region[1], width - 1)
    cells[first : last + 1] = REGION * (last + 1 - first)
    if zero:
        cells[place(0.0, 0)] = ZERO
    if interval is not None:
        left, right = place(interval[0], 0), place(interval[1], width - 1)
        cells[left : right + 1] = LINE * (right + 1 - left)
        cells[left] = LEFT if interval[0] is not None else LINE
        cells[right] = RIGHT if interval[1] is not None else LINE
    cells[place(estimate, 0)] = ESTIMATE
    return "".join(cells)
