"""The mean of few and perhaps skewed numbers: one-sided tests and limits, of many samples at once.

Two statistics have to agree, both held against Student's t: t itself, and t as Hall's cubic transformation makes
it out of the sample's skewness (On the removal of skewness by transformation, J. R. Statist. Soc. B 54, 1992, 221-228).
Alone, t decides wrongly too often where data are skewed, and Hall's where they are even with heavy tails. Where either
keeps its level, both together do; `docs/error_rates.md` has how often they decide wrongly, and what that costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What the tests need of samples of `n` independent values: mean, deviation of one value, and skewness, each (...).

    Of a sample with infinite values they are no numbers: nothing is known, so that p-values are 1 and limits infinite.
    """

    n: int
    mean: Numbers
    spread: Numbers
    skewness: Numbers

    @classmethod
    def of(cls, values: ArrayLike, resolution: float = 0.0) -> Sample:
        """Return samples of values (..., n), whose spread is not believed to be finer than `resolution`."""
        values = np.asarray(values, dtype=np.float64)
        values = np.where(np.isfinite(values).all(-1, keepdims=True), values, np.nan)
        n, mean = values.shape[-1], values.mean(-1)
        away = values - mean[..., None]
        spread = np.maximum(np.sqrt((away**2).sum(-1) / (n - 1)), resolution)
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = (away**3).mean(-1) / ((n - 1) / n * spread**2) ** 1.5
        return cls(n, mean, spread, np.where(spread > 0, skewness, 0.0))

    def statistics(self, truth: float) -> tuple[Numbers, Numbers]:
        """Return t and Hall's transformation of it, (...) each, of the hypothesis that the mean is `truth`."""
        skewness = self.skewness
        with np.errstate(divide="ignore", invalid="ignore"):  # of samples without any spread
            off = (self.mean - truth) / self.spread
        hall = off + skewness * off**2 / 3 + skewness**2 * off**3 / 27 + skewness / (6 * self.n)
        return np.sqrt(self.n) * off, np.sqrt(self.n) * hall

    def p_above(self, truth: float) -> Numbers:
        """Return the p-values (...) of what says that the mean is above `truth`, if it is not."""
        return _sure(stdtr(self.n - 1, -np.minimum(*self.statistics(truth))), 1.0)

    def p_below(self, truth: float) -> Numbers:
        """Return the p-values (...) of what says that the mean is below `truth`, if it is not."""
        return _sure(stdtr(self.n - 1, np.maximum(*self.statistics(truth))), 1.0)

    def limits(self, alpha: float) -> tuple[Numbers, Numbers]:
        """Return the ends (...) of the intervals of means that neither test rejects at `alpha`."""
        reach = stdtrit(self.n - 1, 1 - alpha)
        low = np.maximum(reach / np.sqrt(self.n), self._back(reach))
        high = np.minimum(-reach / np.sqrt(self.n), self._back(-reach))
        return _sure(self.mean - self.spread * low, -np.inf), _sure(self.mean - self.spread * high, np.inf)

    def _back(self, hall: float) -> Numbers:
        """Return how many deviations the mean is off where Hall's statistic has this value."""
        off = hall / np.sqrt(self.n) - self.skewness / (6 * self.n)
        root = np.cbrt(1 + self.skewness * off)
        return 3 * off / (root**2 + root + 1)  # (root - 1) * 3 / skewness, without its cancellation where that is small

    def prediction(self, alpha: float) -> tuple[Numbers, Numbers]:
        """Return the ends (...) of the intervals that hold one more value with chance 1 - 2 `alpha`, by Student's t."""
        reach = stdtrit(self.n - 1, 1 - alpha) * self.spread * np.sqrt(1 + 1 / self.n)
        return _sure(self.mean - reach, -np.inf), _sure(self.mean + reach, np.inf)


def _sure(values: Numbers, otherwise: float) -> Numbers:
    return np.where(np.isnan(values), otherwise, values)
