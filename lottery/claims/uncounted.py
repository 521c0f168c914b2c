"""Verdicts other than expected that the gate does not count: what the comparison with a baseline says of each."""

from collections.abc import Mapping, Sequence

from lottery.claims.comparison import DRIFTED, SAME, Move
from lottery.claims.judging import deviates
from lottery.claims.statistics import REFUTED

MOVED_AWAY = "moved since the baseline by more than chance"
AS_BEFORE = "as in the baseline"
UNDECIDED = "too few networks to tell it from chance"


def is_uncounted(result: Mapping) -> bool:
    """Return whether a verdict is other than expected and does not count for the exit status by itself."""
    return deviates(result) and not result["counts"]


def why_uncounted(result: Mapping, moves: Sequence[Move]) -> str:
    """Return MOVED_AWAY, AS_BEFORE or UNDECIDED of a verdict that is not counted; `moves` are those of its run.

    It moved away if it, or a part of it, drifted in the direction of its verdict.
    """
    own = [move for move in moves if move["id"] == result["id"]]
    opposite = "better" if result["verdict"] == REFUTED else "worse"
    if any(move["state"] == DRIFTED and move["towards"] != opposite for move in own):
        return MOVED_AWAY
    return AS_BEFORE if own and all(move["state"] == SAME for move in own) else UNDECIDED


def moves_of(report: Mapping) -> Sequence[Move]:
    """Return the moves of a run's report, none where it was not compared."""
    return report["baseline"]["moves"] if report["baseline"] else []


def against_entry(result: Mapping) -> str:
    """Return the verdict beside the one that the entry expects, and what makes the entry expect it."""
    told = f"verdict {result['verdict']}, the entry expects {result['expected_verdict']}: if it is to stay, "
    if result["verdict"] == REFUTED:
        return told + 'give it expected = { verdict = "refuted", basis = "baseline", since = DATE, because = "..." }'
    return told + "take expected out of the entry"
