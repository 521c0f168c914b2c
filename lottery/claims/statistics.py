"""From numbers to a verdict: one interval, one region, three outcomes.

Inside the region: reproduced. Disjoint from it: refuted. Otherwise inconclusive. With the interval at confidence
1 - 2 ALPHA this is a one-sided test at ALPHA for a half line and two one-sided tests (TOST) for a band.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, sqrt

ALPHA = 0.05
REPRODUCED, REFUTED, INCONCLUSIVE, SKIPPED = "reproduced", "refuted", "inconclusive", "skipped"


@dataclass(frozen=True)
class Region:
    """The values that agree with a claim, ends included; an end may be infinite."""

    low: float = -inf
    high: float = inf

    def opposite(self) -> "Region":
        """Return the half line on the other side of the same margin."""
        if self.low == -inf:
            return Region(self.high, inf)
        if self.high == inf:
            return Region(-inf, self.low)
        raise ValueError("only a half line has an opposite")


@dataclass(frozen=True)
class Decision:
    """A verdict with what it rests on.

    p_inside is the p-value against "the truth lies outside the region", p_outside that against "it lies inside".
    """

    verdict: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    n: int = 0
    p_inside: float | None = None
    p_outside: float | None = None
    reason: str = ""


def _verdict(p_inside: float, p_outside: float, alpha: float = ALPHA) -> str:
    if p_inside <= alpha:
        return REPRODUCED
    return REFUTED if p_outside <= alpha else INCONCLUSIVE


def decide_mean(values: Sequence[float], region: Region, resolution: float = 0.0) -> Decision:
    """Return the decision on the mean of independent values, by Student's t.

    `resolution` is a floor under their standard deviation: seeds that agree to the last image are not infinitely sure.
    """
    from scipy.stats import t

    n = len(values)
    if unfit(values):
        return Decision(INCONCLUSIVE, n=n, reason=unfit(values))
    if n < 2:
        return Decision(INCONCLUSIVE, values[0] if values else None, n=n, reason="fewer than two seeds")
    estimate = sum(values) / n
    spread = max(sqrt(sum((value - estimate) ** 2 for value in values) / (n - 1)), resolution)
    if spread == 0:
        return Decision(INCONCLUSIVE, estimate, n=n, reason="the seeds do not differ at all")
    error = spread / sqrt(n)
    reach = float(t.ppf(1 - ALPHA, n - 1)) * error
    below, above = (float(t.sf((estimate - end) / error, n - 1)) for end in (region.low, region.high))
    # `below` tests against the truth being under the lower end, 1 - `above` against it being over the upper end
    p_inside = max(below if region.low > -inf else 0.0, 1 - above if region.high < inf else 0.0)
    p_outside = min(1 - below if region.low > -inf else 1.0, above if region.high < inf else 1.0)
    interval = estimate - reach, estimate + reach
    return Decision(_verdict(p_inside, p_outside), estimate, interval, n, p_inside, p_outside)


def unfit(values: Sequence[float]) -> str:
    """Return which seeds brought no number, in words, or an empty string."""
    bad = [str(seed) for seed, value in enumerate(values) if isnan(value)]
    return f"no number from seed{'s' * (len(bad) > 1)} {', '.join(bad)}: training diverged" if bad else ""


def decide_proportion(successes: int, n: int, region: Region) -> Decision:
    """Return the decision on a proportion, by exact binomial tests and the interval of Clopper and Pearson."""
    from scipy.stats import binomtest

    if n == 0:
        return Decision(INCONCLUSIVE, reason="no seeds")
    interval = binomtest(successes, n).proportion_ci(1 - 2 * ALPHA)
    low, high = max(region.low, 0.0), min(region.high, 1.0)

    def p(end: float, alternative: str) -> float:
        return float(binomtest(successes, n, end, alternative).pvalue)

    p_inside = max(p(low, "greater") if low > 0 else 0.0, p(high, "less") if high < 1 else 0.0)
    p_outside = min(p(low, "less") if low > 0 else 1.0, p(high, "greater") if high < 1 else 1.0)
    ends = (float(interval.low), float(interval.high))
    return Decision(_verdict(p_inside, p_outside), successes / n, ends, n, p_inside, p_outside)


def decide_exact(agree: bool) -> Decision:
    """Return the decision on a statement that is true or false without chance."""
    return Decision(REPRODUCED if agree else REFUTED, p_inside=0.0 if agree else 1.0, p_outside=1.0 if agree else 0.0)


def decide_all(parts: Sequence[Decision]) -> Decision:
    """Return the decision on a conjunction: reproduced if every part is, refuted if any is at ALPHA / number of parts.

    Every part at ALPHA is an intersection-union test; dividing ALPHA among the ways to fail is Bonferroni's bound.
    """
    n = min(part.n for part in parts)
    unknown = [part.reason for part in parts if part.p_inside is None]
    p_inside = max(1.0 if part.p_inside is None else part.p_inside for part in parts)
    p_outside = min([1.0] + [len(parts) * part.p_outside for part in parts if part.p_outside is not None])
    verdict = _verdict(p_inside, p_outside)
    if unknown and verdict == INCONCLUSIVE:
        return Decision(INCONCLUSIVE, n=n, reason=unknown[0])
    return Decision(verdict, n=n, p_inside=p_inside, p_outside=p_outside)


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Return which hypotheses Holm's step-down procedure rejects at family-wise level `alpha`."""
    rejected, order = [False] * len(p_values), sorted(range(len(p_values)), key=lambda i: p_values[i])
    for position, index in enumerate(order):
        if p_values[index] > alpha / (len(p_values) - position):
            break
        rejected[index] = True
    return rejected


def q_values(p_values: Sequence[float]) -> list[float]:
    """Return the q-values of Benjamini and Hochberg."""
    from scipy.stats import false_discovery_control

    return [float(q) for q in false_discovery_control(p_values)] if p_values else []


def decide_drift(differences: Sequence[float]) -> float:
    """Return the two-sided p-value against no drift of per-seed differences from a baseline, by Student's paired t."""
    from scipy.stats import ttest_1samp

    if len(set(differences)) == 1:  # no spread: either bit-identical or all moved alike
        return 1.0 if differences[0] == 0 else 0.0
    return float(ttest_1samp(differences, 0).pvalue)
