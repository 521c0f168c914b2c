"""Exit status: which verdicts other than expected count, among so many claims.

Exact claims know no chance: each counts. Of the others unchanged code makes the run fail in one of twenty runs at
most, and that budget is spent in two halves:

1. A claim is *guarded* where a deviation of unchanged code is so unlikely that the chances of all guarded claims
   together stay within GUARDED. The chance follows from the baseline. Any decided deviation of a guarded claim counts.
2. Of the others, near the edge of their region or without a baseline, Holm's procedure at TESTED says which are more
   than chance: too far from the expected verdict and, where there is a baseline, from what it measured, too.
"""

from collections.abc import Collection, Mapping, Sequence

from lottery.claims.baselines import Row
from lottery.claims.chance import chance_of_deviation, comparable, p_unchanged
from lottery.claims.expectation import ANY
from lottery.claims.judging import deviates
from lottery.claims.statistics import ALPHA, INCONCLUSIVE, REFUTED, holm

GUARDED = TESTED = ALPHA / 2


def counts(results: Sequence[Mapping], baseline: Mapping[str, Sequence[Row]] | None = None) -> set[str]:
    """Return the ids of the claims whose deviation from the expected verdict counts for the exit status.

    `baseline` has the rows of claims by id; what it has of another question, or not at all, is judged without.
    """
    known = {result["id"]: (baseline or {}).get(result["id"], ()) for result in results}
    before = {result["id"]: known[result["id"]] for result in results if comparable(result, known[result["id"]])}
    return counting(results, guarded(_tested(results), before), before)


def counting(
    results: Sequence[Mapping], safe: Collection[str], baseline: Mapping[str, Sequence[Row]], level: float = TESTED
) -> set[str]:
    """Return the ids of the claims whose deviation counts if those in `safe` are guarded, others tested at `level`."""
    others = [result for result in _tested(results) if result["id"] not in safe]
    rejected = holm([_p_value(result, baseline.get(result["id"], ())) for result in others], level)
    certain = {result["id"] for result in results if result["kind"] == "exact"}
    certain |= {result["id"] for result, reject in zip(others, rejected) if reject}
    return {result["id"] for result in results if deviates(result) and result["id"] in certain.union(safe)}


def guarded(results: Sequence[Mapping], baseline: Mapping[str, Sequence[Row]]) -> set[str]:
    """Return the ids of as many claims as have chances of a deviation that come to GUARDED at most together.

    `baseline` has the comparable rows of those that have any.
    """
    chances = []
    for result in results:
        chance = chance_of_deviation(result, baseline.get(result["id"], ()))
        if chance is not None:
            chances.append((chance, result["id"]))
    safe, spent = set(), 0.0
    for chance, id in sorted(chances):
        spent += chance
        if spent > GUARDED:
            break
        safe.add(id)
    return safe


def _tested(results: Sequence[Mapping]) -> list[Mapping]:
    """Return the results that chance can make deviate."""
    return [
        result
        for result in results
        if result["p_inside"] is not None and result["expected_verdict"] != ANY and result["kind"] != "exact"
    ]


def _p_value(result: Mapping, before: Sequence[Row]) -> float:
    """Return the p-value of the data if the expected verdict were the true one, and if nothing had changed."""
    if result["expected_verdict"] == INCONCLUSIVE:  # on the region's edge
        against = min(1.0, 2 * min(result["p_inside"], result["p_outside"]))
    else:
        against = result["p_inside"] if result["expected_verdict"] == REFUTED else result["p_outside"]
    return max(against, p_unchanged(result, before)) if before and deviates(result) else against
