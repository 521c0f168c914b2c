"""Failed networks among a claim's seeds: counted and told, never averaged with networks that learned something.

A trained network failed if it is no better than the best constant answer, or has no accuracy at all. Where that happens
in one seed of twenty, the mean over all seeds is no number that so few of them could tell: without a collapse among
them, every rule is sure of a mean that is wrong. So a mean is one of seeds that are alike, and failing is a claim of
its own (`failed` in `lottery.claims.image_quantities`). What is said of all seeds has to be true of either kind: the
verdict, on which side of its region a mean lies, and on which side of zero.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lottery.claims.statistics import INCONCLUSIVE, REFUTED, Decision, Region

FEW = 0.1  # the share of seeds up to which the others alone decide


def learned_nothing(measured: Mapping[str, Any]) -> bool:
    """Return whether a trained network failed: at early stop or at the end it is no better than the best constant."""
    found = [measured[name] for name in ("test_accuracy_early_stop", "test_accuracy_end") if name in measured]
    return any(not accuracy > measured["test_accuracy_constant"] for accuracy in found)


def kinds(seeds: Collection[int], failed: Collection[int]) -> tuple[list[int], list[int]]:
    """Return the larger and the smaller of two groups of seeds: those with a failed network, and the others.

    Of two as large, the others are first.
    """
    others, dead = ([seed for seed in seeds if (seed in failed) == asked] for asked in (False, True))
    return (dead, others) if len(dead) > len(others) else (others, dead)


def decide_apart(
    seeds: Sequence[int], failed: Collection[int], region: Region, decide: Callable[[list[int]], Decision]
) -> Decision:
    """Return the decision on the larger of two groups of seeds: those with a failed network, and the others.

    Where the smaller group is more than FEW of the seeds, it has to come to the same verdict by itself, on the same
    side of the region, and only a side of zero that it has in common with the larger one is told.
    """
    larger, smaller = kinds(seeds, failed)
    decision = replace(decide(larger), failed=tuple(sorted(failed)))
    if len(smaller) <= FEW * len(seeds) or decision.p_inside is None or decision.p_outside is None:
        return decision
    other = decide(smaller)
    p_inside, p_outside = (
        max(p, 1.0 if q is None else q)
        for p, q in ((decision.p_inside, other.p_inside), (decision.p_outside, other.p_outside))
    )
    if _opposite(decision, other, region):
        p_outside = 1.0
    elif other.verdict == decision.verdict:
        return replace(decision, p_inside=p_inside, p_outside=p_outside, clouded=other.side != decision.side)
    differ = (
        "they and the others do not agree" if len(smaller) > 1 else "one seed is too few to tell whether they agree"
    )
    told = f"{len(failed)} of {len(seeds)} seeds have a network that failed, and {differ}"
    return replace(decision, verdict=INCONCLUSIVE, p_inside=p_inside, p_outside=p_outside, reason=told, clouded=True)


def _opposite(decision: Decision, other: Decision, region: Region) -> bool:
    """Return whether one of two lies below a region and the other above: a mean of both may lie inside."""
    if not decision.verdict == other.verdict == REFUTED or decision.estimate is None or other.estimate is None:
        return False
    return (decision.estimate > region.high) != (other.estimate > region.high)
