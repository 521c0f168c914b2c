"""Exit status: which verdicts other than expected count, among so many claims."""

from collections.abc import Mapping, Sequence

from lottery.claims.expectation import ANY
from lottery.claims.judging import deviates
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, holm


def counts(results: Sequence[Mapping]) -> set[str]:
    """Return the ids of the claims whose deviation from the expected verdict counts for the exit status.

    Among many claims chance produces such a deviation now and then. Holm's procedure over all claims that were put to a
    test, decided or not, says which are more than that. Exact claims know no chance and always count.
    """
    tested = [
        result
        for result in results
        if result["p_inside"] is not None and result["expected_verdict"] != ANY and result["kind"] != "exact"
    ]
    rejected = holm([_p_against(result) for result in tested])
    found = {result["id"] for result, reject in zip(tested, rejected) if reject and deviates(result)}
    return found | {result["id"] for result in results if result["kind"] == "exact" and deviates(result)}


def _p_against(result: Mapping) -> float:
    """Return the p-value of the data if the expected verdict were the true one."""
    if result["expected_verdict"] == INCONCLUSIVE:  # on the region's edge
        return min(1.0, 2 * min(result["p_inside"], result["p_outside"]))
    return result["p_inside"] if result["expected_verdict"] == REFUTED else result["p_outside"]
