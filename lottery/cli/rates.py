"""How often verdicts on means are wrong, and how often they find what is there: by simulation, for `lottery rates`.

Wrong is a verdict where the truth is at the edge of the region, which is the worst case.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist

import numpy as np
from tabulate import tabulate

from lottery.claims.failures import FEW
from lottery.claims.means import Numbers, Sample
from lottery.claims.statistics import ALPHA

SIZES = (3, 4, 5, 6, 8, 10, 20, 25)  # the numbers of seeds that entries ask for
LOOKS = 24  # at the validation loss, in a run
RUNS = 20_000
COLLAPSE, RARE = 40.0, 0.05  # by how many points, and in which share of seeds

Draw = Callable[[np.random.Generator, tuple[int, int]], Numbers]


@dataclass(frozen=True)
class Family:
    """A kind of data: its name, how values are drawn, their mean, and the step in which they can change."""

    name: str
    draw: Draw
    mean: float
    resolution: float = 0.0


def families() -> list[Family]:
    """Return the kinds of data of the tables."""
    return [
        Family("normal", lambda rng, shape: rng.standard_normal(shape), 0.0),
        *(_steps(step) for step in (0.5, 1.0, 2.0)),
        *(_early_stop(spread) for spread in (0.4, 0.6)),
        _early_stops_compared(0.4),
        Family("heavy tails (Laplace)", lambda rng, shape: rng.laplace(size=shape), 0.0),
        *(_log_normal(sigma) for sigma in (0.5, 1.0)),
        Family("rare collapses, not seen as such", _collapsing, -COLLAPSE * RARE),
    ]


def _steps(step: float) -> Family:
    """Return normal data as accuracies have them: in steps, so and so many deviations wide."""
    off, grid = 0.25 * step, step * np.arange(-50, 51)
    below = np.array([NormalDist(off).cdf(edge) for edge in grid - step / 2] + [1.0])
    mean = float((grid * np.diff(below)).sum())
    return Family(
        f"in steps of {step:g} σ",
        lambda rng, shape: step * np.round((rng.standard_normal(shape) + off) / step),
        mean,
        step,
    )


def _stops(rng: np.random.Generator, shape: tuple[int, int], spread: float, middle: float) -> Numbers:
    """Return the logarithms of the looks at which networks stop early, the last for those that would go on."""
    looks = np.ceil(LOOKS * middle * np.exp(spread * rng.standard_normal(shape)))
    return np.log(np.clip(looks, 1, LOOKS))


def _mean_stop(spread: float, middle: float) -> float:
    below = [NormalDist().cdf(log(look / LOOKS / middle) / spread) for look in range(1, LOOKS)] + [1.0]
    return float((np.log(np.arange(1, LOOKS + 1)) * np.diff([0.0, *below])).sum())


def _early_stop(spread: float) -> Family:
    return Family(
        f"log early stop, spread {spread:g}",
        lambda rng, shape: _stops(rng, shape, spread, 0.5),
        _mean_stop(spread, 0.5),
        1 / LOOKS,
    )


def _early_stops_compared(spread: float) -> Family:
    return Family(
        "log ratio of two early stops",
        lambda rng, shape: _stops(rng, shape, spread, 0.5) - _stops(rng, shape, spread, 0.25),
        _mean_stop(spread, 0.5) - _mean_stop(spread, 0.25),
        1 / LOOKS,
    )


def _log_normal(sigma: float) -> Family:
    return Family(
        f"log-normal, σ = {sigma:g}", lambda rng, shape: np.exp(sigma * rng.standard_normal(shape)), exp(sigma**2 / 2)
    )


def _collapsing(rng: np.random.Generator, shape: tuple[int, int]) -> Numbers:
    return 0.5 * rng.standard_normal(shape) - COLLAPSE * (rng.random(shape) < RARE)


def wrong(family: Family, n: int, runs: int = RUNS) -> np.ndarray:
    """Return how often n seeds falsely reproduce and falsely refute that the mean is at least what it is.

    The first row is of the suite's rule, the second of Student's t.
    """
    sample = Sample.of(family.draw(_stream(n), (runs, n)), family.resolution)
    reach = _reach(n)
    t = sample.statistics(family.mean)[0]
    ours = sample.p_above(family.mean) <= ALPHA, sample.p_below(family.mean) <= ALPHA
    return np.array([[of.mean() for of in ours], [(t >= reach).mean(), (t <= -reach).mean()]])


def wrong_with_failures(n: int, runs: int = RUNS) -> np.ndarray:
    """Return the same of rare collapses that are seen: of the mean over seeds that do not fail (`decide_apart`)."""
    rng = _stream(n)
    values, failed = 0.5 * rng.standard_normal((runs, n)), rng.random((runs, n)) < RARE
    order = np.argsort(failed, axis=1, kind="stable")  # failed ones last
    values, counts = np.take_along_axis(values - COLLAPSE * failed, order, 1), failed.sum(1)
    found = np.zeros((2, runs), dtype=bool)
    for count in np.unique(counts):
        rows = counts == count
        parts = [values[rows, : n - count], values[rows, n - count :]]
        if min(count, n - count) <= FEW * n:
            parts = [max(parts, key=lambda part: part.shape[1])]
        if min(part.shape[1] for part in parts) >= 2:
            samples = [Sample.of(part) for part in parts]
            found[0, rows] = np.max([sample.p_above(0.0) for sample in samples], axis=0) <= ALPHA
            found[1, rows] = np.max([sample.p_below(0.0) for sample in samples], axis=0) <= ALPHA
    sample = Sample.of(values)
    t, reach = sample.statistics(0.0)[0], _reach(n)
    return np.array([found.mean(1), [(t >= reach).mean(), (t <= -reach).mean()]])


def power(effect: float, n: int, runs: int = RUNS) -> np.ndarray:
    """Return how often n normal seeds find a mean so many deviations inside: by the suite's rule, and by t."""
    sample = Sample.of(_stream(n).normal(effect, 1.0, (runs, n)))
    return np.array([(sample.p_above(0.0) <= ALPHA).mean(), (sample.statistics(0.0)[0] >= _reach(n)).mean()])


def covered(family: Family, n: int, runs: int = RUNS) -> float:
    """Return how often one more seed lies in the prediction interval of n."""
    values = family.draw(_stream(n), (runs, n + 1))
    low, high = Sample.of(values[:, :n], family.resolution).prediction(ALPHA)
    return float(((low <= values[:, n]) & (values[:, n] <= high)).mean())


def _reach(n: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 1 - ALPHA))


def _stream(n: int) -> np.random.Generator:
    return np.random.default_rng([n, 20261128])


def _table(title: str, rows: Iterable[list[str]]) -> str:
    heads = [title, *(f"n = {n}" for n in SIZES)]
    return tabulate(list(rows), heads, "github", disable_numparse=True)


def _pair(ours: float, t: float) -> str:
    return f"{ours:.3f} ({t:.3f})"


def rates(runs: int = RUNS) -> str:
    """Return all tables as text; of pairs, the number in brackets is that of Student's t."""
    kinds = families()
    errors = {family.name: [wrong(family, n, runs) for n in SIZES] for family in kinds}
    errors["rare collapses, seen as failures"] = [wrong_with_failures(n, runs) for n in SIZES]
    tables = [
        _table(title, ([name, *(_pair(*of[:, side]) for of in found)] for name, found in errors.items()))
        for side, title in enumerate(("falsely reproduced", "falsely refuted"))
    ]
    effects = (0.5, 1.0, 1.5, 2.0)
    tables.append(
        _table(
            "found, normal data",
            ([f"{effect:g} σ inside", *(_pair(*power(effect, n, runs)) for n in SIZES)] for effect in effects),
        )
    )
    predicted = ([family.name, *(f"{covered(family, n, runs):.3f}" for n in SIZES)] for family in kinds)
    tables.append(_table("one more seed inside its interval", predicted))
    return "\n\n".join(tables)
