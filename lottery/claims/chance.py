"""How likely unchanged code deviates: the chance that a claim's next run is other than expected, by its baseline.

What the baseline measured says where the truth may lie, and how far a new run of as many seeds may fall from it. A
share of seeds without a baseline is taken to lie anywhere in its region.
"""

from collections.abc import Mapping, Sequence
from math import inf, sqrt

from lottery.claims.baselines import Row, rows_of
from lottery.claims.decidable import deciding_counts
from lottery.claims.statistics import ALPHA, INCONCLUSIVE, REFUTED, REPRODUCED, Region, is_control, positive

ROOM = 1e-9  # relative: a floor under the spread of seeds that all agree
OTHERS = {REPRODUCED: (REFUTED,), REFUTED: (REPRODUCED,), INCONCLUSIVE: (REPRODUCED, REFUTED)}


def comparable(result: Mapping, before: Sequence[Row]) -> bool:
    """Return whether a baseline's rows answer the question that a result answers, on the same data and network.

    What has no effects, as what was skipped, answers nothing, and of a mean one seed tells nothing.
    """
    if not before or before[0].question != result["question"]:
        return False
    if any(len(_known(row.effects)) < (1 if row.kind == "proportion" else 2) for row in before[1:] or before):
        return False
    now = rows_of(result)
    alike = [(row.part, row.kind) for row in now] == [(row.part, row.kind) for row in before]
    return alike and before[0].fingerprint == now[0].fingerprint


def chance_of_deviation(result: Mapping, before: Sequence[Row] = ()) -> float | None:
    """Return how likely a claim deviates though nothing changed, or None if nothing is known of it.

    `before` are the claim's rows of a baseline, if it has a comparable one.
    """
    outcomes = result["parts"] or [result]
    rows: Sequence[Row | None] = (before[1:] if result["parts"] else before) or [None] * len(outcomes)
    pairs = list(zip(outcomes, rows))
    stated = [(one, row) for one, row in pairs if not is_control(one.get("name", ""))]
    total = 0.0
    for verdict in OTHERS[result["expected_verdict"]]:
        asked = stated if verdict == REFUTED else pairs
        known = [chance for one, row in asked if (chance := _chance(one, row, verdict, len(stated))) is not None]
        if verdict == REFUTED and len(known) == len(stated):  # by any part that is no control
            total += sum(known)
        elif verdict == REPRODUCED and known:  # by all of them
            total += min(known)
        else:
            return None
    return min(total, 1.0)


def p_unchanged(result: Mapping, before: Sequence[Row]) -> float:
    """Return the p-value of a result if it had the same truth as its baseline, of a conjunction by its parts."""
    outcomes, rows = (result["parts"], before[1:]) if result["parts"] else ([result], before)
    smallest = min(_p_moved(one, row) for one, row in zip(outcomes, rows))
    return min(1.0, len(outcomes) * smallest)


def _p_moved(outcome: Mapping, before: Row) -> float:
    from scipy.stats import betabinom, ttest_ind_from_stats

    now, then = _known(outcome["effects"]), _known(before.effects)
    if outcome["kind"] == "proportion":
        count, counted = sum(map(positive, now)), sum(map(positive, then))
        seen = betabinom(len(now), counted + 1, len(then) - counted + 1)
        return min(1.0, 2 * float(min(seen.cdf(count), seen.sf(count - 1))))
    if min(len(now), len(then)) < 2:
        return 1.0
    return float(ttest_ind_from_stats(*_moments(now), *_moments(then), equal_var=False).pvalue)


def _known(effects: Sequence[float | None]) -> list[float]:
    return [effect for effect in effects if effect is not None]


def _moments(values: Sequence[float]) -> tuple[float, float, int]:
    """Return mean, standard deviation and number; seeds that all agree still leave a little room."""
    mean = sum(values) / len(values)
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return mean, max(spread, ROOM * max(1.0, abs(mean))), len(values)


def _chance(outcome: Mapping, before: Row | None, verdict: str, parts: int) -> float | None:
    """Return how likely a claim or a part comes to a verdict."""
    low, high = outcome["region"]
    region = Region(-inf if low is None else low, inf if high is None else high)
    effects = before and before.effects
    if outcome["kind"] == "proportion":
        return chance_of_share(effects, outcome["n"], region, verdict, parts)
    return chance_of_mean(effects, outcome["n"], region, verdict, parts) if effects else None


def chance_of_share(
    before: Sequence[float | None] | None, n: int, region: Region, verdict: str, parts: int = 1
) -> float | None:
    """Return how likely a share of n seeds comes to a verdict, by what was counted before.

    Every truth is as likely as any other before the first count; without a count it lies somewhere in the region.
    """
    from scipy.special import betainc
    from scipy.stats import betabinom

    counts = deciding_counts(region, n, parts)[verdict == REFUTED]
    if before is not None:
        counted = sum(map(positive, before))
        return float(sum(betabinom.pmf(counts, n, counted + 1, len(before) - counted + 1)))
    if verdict == REPRODUCED:
        return None
    low, high = max(region.low, 0.0), min(region.high, 1.0)
    shares = (betainc(k + 1, n - k + 1, high) - betainc(k + 1, n - k + 1, low) for k in counts)
    return float(sum(shares) / (n + 1) / (high - low))


def chance_of_mean(
    before: Sequence[float | None], n: int, region: Region, verdict: str, parts: int = 1
) -> float | None:
    """Return how likely a mean of n seeds comes to a verdict, by the mean and the spread that were measured before."""
    from scipy.stats import t

    values = _known(before)
    if len(values) < 2 or n < 2:
        return None
    mean, spread, _ = _moments(values)
    level = ALPHA / parts if verdict == REFUTED else ALPHA
    reach = float(t.ppf(1 - level, n - 1)) * spread / sqrt(n)
    error = spread * sqrt(1 / n + 1 / len(values))

    def below(end: float) -> float:
        return float(t.cdf((end - mean) / error, len(values) - 1))

    if verdict == REFUTED:
        return below(region.low - reach) + 1 - below(region.high + reach)
    return max(0.0, below(region.high - reach) - below(region.low + reach))
