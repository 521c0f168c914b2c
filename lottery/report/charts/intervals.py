"""Means over seeds with their 90 % intervals, of many samples at once, as verdicts have them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lottery.claims.statistics import ALPHA

DIGITS = 5  # significant digits that a chart keeps


class Interval(NamedTuple):
    """A mean over seeds, and the ends of its interval; None where there are too few seeds for one."""

    mean: float
    low: float | None
    high: float | None


def intervals(samples: Sequence[Sequence[float]]) -> list[Interval]:
    """Return the interval of each sample's mean."""
    import numpy as np

    from lottery.claims.means import Sample

    places: dict[int, list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        places[len(sample)].append(place)
    found: dict[int, Interval] = {}
    for size, of in places.items():
        values = np.array([samples[place] for place in of], dtype=float)
        if size < 2:
            found |= {place: Interval(rounded(float(values[row, 0])), None, None) for row, place in enumerate(of)}
            continue
        several = Sample.of(values)
        with np.errstate(all="ignore"):
            low, high = several.limits(ALPHA)
        for row, place in enumerate(of):
            ends = [float(end[row]) for end in (low, high)]
            known = all(map(np.isfinite, ends))
            found[place] = Interval(
                rounded(float(several.mean[row])), *(rounded(end) if known else None for end in ends)
            )
    return [found[place] for place in range(len(samples))]


def by_seed(values: Mapping[int, float]) -> str:
    """Return the value of each seed in a line, with the seeds where these are not 0, 1, 2 and so on."""
    seeds = sorted(values)
    plain = seeds == list(range(len(seeds)))
    return " ".join(f"{'' if plain else f'{seed}: '}{values[seed]:.4g}" for seed in seeds)


def rounded(value: float) -> float:
    """Return a number with as many digits as a chart can show."""
    return float(f"{value:.{DIGITS}g}")
