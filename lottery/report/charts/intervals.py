"""Means over seeds that are alike, with their 90 % intervals, of many samples at once, as verdicts have them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from lottery.claims.failures import kinds
from lottery.claims.statistics import ALPHA

APART = "!"  # behind a seed's value that its mean leaves out
LEFT_OUT = f" Means leave out seeds with {APART}: there a network failed, or it did in most others."
DIGITS = 5  # significant digits that a chart keeps


class Interval(NamedTuple):
    """A mean over seeds, and the ends of its interval; None where there are too few for one, or nothing differs."""

    mean: float
    low: float | None
    high: float | None


def intervals(samples: Sequence[Sequence[float]], steps: Sequence[float] = ()) -> list[Interval]:
    """Return the interval of each sample's mean; `steps` are those below which no spread of a sample is believed."""
    import numpy as np

    from lottery.claims.means import Sample

    places: dict[tuple[int, float], list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        places[len(sample), steps[place] if steps else 0.0].append(place)
    found: dict[int, Interval] = {}
    for (size, step), of in places.items():
        values = np.array([samples[place] for place in of], dtype=float)
        if size < 2:
            found |= {place: Interval(rounded(float(values[row, 0])), None, None) for row, place in enumerate(of)}
            continue
        several = Sample.of(values, step)
        with np.errstate(all="ignore"):
            low, high = several.limits(ALPHA)
        for row, place in enumerate(of):
            ends = [float(end[row]) for end in (low, high)]
            known = bool(several.spread[row] > 0) and all(map(np.isfinite, ends))
            found[place] = Interval(
                rounded(float(several.mean[row])), *(rounded(end) if known else None for end in ends)
            )
    return [found[place] for place in range(len(samples))]


def alike(values: Mapping[int, float], failed: Collection[int]) -> dict[int, float]:
    """Return the values that a mean is of: of seeds with a failed network or of the others, whichever are more."""
    larger, _ = kinds(values, failed)
    return {seed: values[seed] for seed in larger}


def by_seed(values: Mapping[int, float], mean_of: Collection[int] | None = None) -> str:
    """Return the value of each seed in a line, with the seeds where these are not 0, 1, 2 and so on.

    Those that the mean is not of are marked, where `mean_of` says which it is of.
    """
    seeds = sorted(values)
    plain = seeds == list(range(len(seeds)))
    marks = {seed: APART for seed in seeds if mean_of is not None and seed not in mean_of}
    return " ".join(f"{'' if plain else f'{seed}: '}{values[seed]:.4g}{marks.get(seed, '')}" for seed in seeds)


def rounded(value: float) -> float:
    """Return a number with as many digits as a chart can show."""
    return float(f"{value:.{DIGITS}g}")
