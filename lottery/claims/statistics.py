"""From numbers to a verdict: one interval, one region, three outcomes.

Inside the region: reproduced. Disjoint from it: refuted. Otherwise inconclusive. With the interval at confidence
1 - 2 ALPHA this is a one-sided test at ALPHA for a half line and two one-sided tests (TOST) for a band.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan

ALPHA = 0.05
ROUNDING = 1e-9  # far above what adding a few accuracies leaves of zero, far below any image, step or loss
REPRODUCED, REFUTED, INCONCLUSIVE, SKIPPED = "reproduced", "refuted", "inconclusive", "skipped"
ERROR = "error"  # in place of a verdict, where what a claim needs broke
ANSWERS = (REPRODUCED, REFUTED, INCONCLUSIVE)
BETTER, WORSE = "better", "worse"
LOWER, HIGHER = "lower", "higher"  # sides of zero


@dataclass(frozen=True)
class Region:
    """The values that agree with a claim, ends included; an end may be infinite."""

    low: float = -inf
    high: float = inf

    @classmethod
    def of(cls, ends: Sequence[float | None]) -> "Region":
        """Return the region of these ends, as `results.json` has them: a missing one is infinite."""
        low, high = ends
        return cls(-inf if low is None else low, inf if high is None else high)


@dataclass(frozen=True)
class Decision:
    """A verdict with what it rests on.

    p_inside is the p-value against "the truth lies outside the region", p_outside that against "it lies inside".
    `prediction` is the interval for one more seed, with the confidence of `interval`, which is of their mean.
    """

    verdict: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    n: int = 0
    p_inside: float | None = None
    p_outside: float | None = None
    reason: str = ""
    prediction: tuple[float, float] | None = None
    failed: tuple[int, ...] = ()  # seeds of which a network failed; see `lottery.claims.failures`
    clouded: bool = False  # whether these leave it open, or on which side of zero it lies

    @property
    def side(self) -> str:
        """On which side of zero a mean lies for certain, LOWER or HIGHER, or an empty string."""
        low, high = self.interval or (0.0, 0.0)
        return "" if self.clouded else LOWER if high < 0 else HIGHER if low > 0 else ""


def towards(side: str, region: Region) -> str:
    """Return whether a side of zero is BETTER or WORSE, where a region is open at one end; else an empty string."""
    if not side or (region.low == -inf) == (region.high == inf):
        return ""
    return BETTER if (side == HIGHER) == (region.high == inf) else WORSE


def positive(effect: float | None) -> bool:
    """Return whether a seed counts in a share: its number is above zero, by more than rounding makes of zero."""
    return effect is not None and effect > ROUNDING


def aside(decision: Decision, region: Region) -> str:
    """Return on which side of zero a reproduced difference lies for certain, where the region allows for both sides.

    That is "worse" of "not worse by more than a margin", else "lower" or "higher", or an empty string.
    """
    if decision.verdict != REPRODUCED or not region.low < 0 < region.high:
        return ""
    if isfinite(region.low) and isfinite(region.high):
        return decision.side
    return WORSE if towards(decision.side, region) == WORSE else ""


def aside_of_match(difference: Decision, both_sides: bool) -> str:
    """Return the same of a difference that is not judged itself, of a reproduced match with one margin or with two.

    With a margin on one side alone, it may be as large as it likes, and is worse where it is certainly below zero.
    """
    allowed = Region(-ROUNDING, ROUNDING if both_sides else inf)
    return aside(replace(difference, verdict=REPRODUCED), allowed)


def aside_of_all(asides: Iterable[str]) -> str:
    """Return what is said beside a verdict that rests on several differences, each with its own `aside`.

    Where any of them is worse, all are together; differences on two sides of zero are on neither.
    """
    told = set(asides) - {""}
    return "worse" if "worse" in told else told.pop() if len(told) == 1 else ""


def _verdict(p_inside: float, p_outside: float, alpha: float = ALPHA) -> str:
    if p_inside <= alpha:
        return REPRODUCED
    return REFUTED if p_outside <= alpha else INCONCLUSIVE


def decide_mean(
    values: Sequence[float],
    region: Region,
    resolution: float = 0.0,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
) -> Decision:
    """Return the decision on the mean of independent values, by the tests of `lottery.claims.means`.

    `resolution` is a floor under their standard deviation: seeds that agree to the last image are not infinitely sure.
    Of values that are known within bounds only, `low` and `high` are these: how large the mean is at least is then
    decided by the lower bounds, how large at most by the upper ones. An infinite bound decides nothing on its side.
    """
    from lottery.claims.means import Sample

    n = len(values)
    missing = unfit([seed for seed, value in enumerate(values) if isnan(value)], "training diverged")
    if missing:
        return Decision(INCONCLUSIVE, n=n, reason=missing)
    if n < 2:
        return Decision(INCONCLUSIVE, values[0] if values else None, n=n, reason="fewer than two seeds")
    measured = Sample.of(values, resolution)
    least, most = (measured if ends in (None, values) else Sample.of(ends, resolution) for ends in (low, high))
    estimate = float(measured.mean)
    if measured.spread == 0:
        return Decision(INCONCLUSIVE, estimate, n=n, reason="the seeds do not differ at all")
    p_inside = max(
        float(least.p_above(region.low)) if region.low > -inf else 0.0,
        float(most.p_below(region.high)) if region.high < inf else 0.0,
    )
    p_outside = min(
        float(most.p_below(region.low)) if region.low > -inf else 1.0,
        float(least.p_above(region.high)) if region.high < inf else 1.0,
    )
    interval = float(least.limits(ALPHA)[0]), float(most.limits(ALPHA)[1])
    below, above = float(least.prediction(ALPHA)[0]), float(most.prediction(ALPHA)[1])
    return Decision(
        _verdict(p_inside, p_outside), estimate, interval, n, p_inside, p_outside, prediction=(below, above)
    )


def unfit(seeds: Sequence[int], why: str) -> str:
    """Return which seeds brought no number and why, in words, or an empty string."""
    return f"no number from seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}: {why}" if seeds else ""


def decide_proportion(successes: int, n: int, region: Region, most: int | None = None) -> Decision:
    """Return the decision on a proportion, by exact binomial tests and the interval of Clopper and Pearson.

    Where it is only known that there were `successes` at least and `most` at most, each end is decided by its own.
    """
    from scipy.stats import binomtest

    if n == 0:
        return Decision(INCONCLUSIVE, reason="no seeds")
    most = successes if most is None else most
    low, high = max(region.low, 0.0), min(region.high, 1.0)

    def p(count: int, end: float, alternative: str) -> float:
        return float(binomtest(count, n, end, alternative).pvalue)

    p_inside = max(p(successes, low, "greater") if low > 0 else 0.0, p(most, high, "less") if high < 1 else 0.0)
    p_outside = min(p(most, low, "less") if low > 0 else 1.0, p(successes, high, "greater") if high < 1 else 1.0)
    least, largest = (binomtest(count, n).proportion_ci(1 - 2 * ALPHA) for count in (successes, most))
    interval = float(least.low), float(largest.high)
    return Decision(_verdict(p_inside, p_outside), successes / n, interval, n, p_inside, p_outside)


def decide_exact(agree: bool) -> Decision:
    """Return the decision on a statement that is true or false without chance."""
    return Decision(REPRODUCED if agree else REFUTED, p_inside=0.0 if agree else 1.0, p_outside=1.0 if agree else 0.0)


def is_control(part: str) -> bool:
    """Return whether a part of a conjunction is a control: what must lie outside for a match to mean anything."""
    return part.startswith("control_")


def is_difference_of_match(beside: str) -> bool:
    """Return whether what stands beside a conjunction is by how much that is better which is said to match."""
    return f"_{beside}".endswith("_difference")


def is_bound_above(part: str) -> bool:
    """Return whether a part of a conjunction says that what matches is not better, so that a match has two sides."""
    return f"_{part}".endswith("_not_better")


def decide_all(parts: Mapping[str, Decision]) -> Decision:
    """Return the decision on a conjunction: reproduced if every part is, refuted if any is at ALPHA / number of parts.

    Every part at ALPHA is an intersection-union test; dividing ALPHA among the ways to fail is Bonferroni's bound.
    Controls take no part in failing, and nothing is decided unless each of them is reproduced: that ours is idle says
    nothing against the paper, and a margin that is taken from one means nothing then.
    """
    n = min(part.n for part in parts.values())
    stated = [part for name, part in parts.items() if not is_control(name)]
    controls = {name: part for name, part in parts.items() if is_control(name)}
    inside = {name: 1.0 if part.p_inside is None else part.p_inside for name, part in parts.items()}
    p_outside = min([1.0] + [len(stated) * part.p_outside for part in stated if part.p_outside is not None])
    p_outside = max([p_outside, *(inside[name] for name in controls)])
    verdict = _verdict(max(inside.values()), p_outside)
    if verdict != INCONCLUSIVE:
        return Decision(verdict, n=n, p_inside=max(inside.values()), p_outside=p_outside)
    idle = [name for name, part in controls.items() if part.verdict != REPRODUCED]
    reasons = [part.reason for part in parts.values() if part.verdict == INCONCLUSIVE and part.reason]
    reasons += [f"nothing is decided without a control that works: {', '.join(idle)}"] if idle else []
    if any(part.p_inside is None for part in parts.values()):
        return Decision(INCONCLUSIVE, n=n, reason=reasons[0] if reasons else "")
    why = reasons[0] if reasons else ""
    return Decision(INCONCLUSIVE, n=n, p_inside=max(inside.values()), p_outside=p_outside, reason=why)


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Return which hypotheses Holm's step-down procedure rejects at family-wise level `alpha`."""
    rejected, order = [False] * len(p_values), sorted(range(len(p_values)), key=lambda i: p_values[i])
    for position, index in enumerate(order):
        if p_values[index] > alpha / (len(p_values) - position):
            break
        rejected[index] = True
    return rejected


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Return the p-values after Holm's procedure: each is the smallest level at which it would be rejected."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - position)))
        adjusted[index] = highest
    return adjusted


def q_values(p_values: Sequence[float]) -> list[float]:
    """Return the q-values of Benjamini and Hochberg: scipy's `false_discovery_control`, without a second's import."""
    lowest, found = 1.0, list(p_values)
    descending = sorted(range(len(found)), key=found.__getitem__, reverse=True)
    for above, place in enumerate(descending):
        lowest = found[place] = min(lowest, found[place] * (len(found) / (len(found) - above)))
    return found


def decide_drift(differences: Sequence[float]) -> float:
    """Return the two-sided p-value against no drift of per-seed differences from a baseline, by Student's paired t."""
    from scipy.stats import ttest_1samp

    if len(set(differences)) == 1:  # no spread: either bit-identical or all moved alike
        return 1.0 if differences[0] == 0 else 0.0
    return float(ttest_1samp(differences, 0).pvalue)


def decide_flips(differences: Sequence[float]) -> float:
    """Return the two-sided p-value against no drift of a share, by McNemar's exact test.

    `differences` are 1 for each seed that counts now and did not before, -1 for the reverse, else 0.
    """
    from scipy.stats import binomtest

    gained, lost = differences.count(1), differences.count(-1)
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def interval_of_drift(differences: Sequence[float]) -> list[float]:
    """Return the interval, at the confidence of all intervals, of the mean of per-seed differences from a baseline."""
    from scipy.stats import ttest_1samp

    if len(set(differences)) == 1:
        return [differences[0], differences[0]]
    return [float(end) for end in ttest_1samp(differences, 0).confidence_interval(1 - 2 * ALPHA)]
