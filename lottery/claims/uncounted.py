"""What a comparison with a baseline says of verdicts that do not count, being other than expected or undecided."""

from collections.abc import Mapping, Sequence

from lottery.claims.baselines import BUDGET
from lottery.claims.comparison import DRIFTED, MOVED, SAME, TURNED, Move
from lottery.claims.judging import deviates, fails
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, SKIPPED

MOVED_AWAY = "moved since the baseline by more than chance"
AS_BEFORE = "as in the baseline, number by number"
VERDICT_AS_BEFORE = "with the baseline's verdict, its numbers moved within chance"
UNDECIDED = "too few networks to tell it from chance"


def is_uncounted(result: Mapping) -> bool:
    """Return whether a verdict is other than expected and does not count for the exit status by itself."""
    return deviates(result) and not fails(result, result["counts"])


def beyond_chance(results: Sequence[Mapping]) -> str:
    """Return what is to be added to how many are other than expected where others are, too, which do not count."""
    return " by more than chance" if any(map(is_uncounted, results)) else ""


def turned(results: Sequence[Mapping], moves: Sequence[Move]) -> set[str]:
    """Return the ids of verdicts other than expected that nothing but another rule turned: no chance, so they count."""
    found = {move["id"] for move in moves if move["state"] == TURNED and not move["part"]}
    return {result["id"] for result in results if deviates(result) and result["id"] in found}


def why_uncounted(result: Mapping, moves: Sequence[Move]) -> str:
    """Return why a verdict is not counted, in one of the words above; `moves` are those of its run.

    It moved away if it, or a part of it, drifted in the direction of its verdict, or in any where neither is better: a
    region that ends on both sides, or on none, has no such direction.
    """
    own = [move for move in moves if move["id"] == result["id"]]
    opposite = "better" if result["verdict"] == REFUTED else "worse"
    if any(move["state"] == DRIFTED and move["towards"] != opposite for move in own):
        return MOVED_AWAY
    if own and all(move["state"] in (SAME, TURNED) for move in own):  # parts, where the claim itself did not turn
        return AS_BEFORE
    return VERDICT_AS_BEFORE if _is_as_before(result, moves) else UNDECIDED


def _is_as_before(result: Mapping, moves: Sequence[Move]) -> bool:
    """Return whether a claim has its verdict of the baseline, and nothing of it moved by more than chance."""
    own = [move for move in moves if move["id"] == result["id"]]
    alike = bool(own) and all(move.get("verdicts") == [result["verdict"]] * 2 for move in own)
    return alike and all(move["state"] in (SAME, TURNED, MOVED) for move in own)


def is_open_as_before(results: Sequence[Mapping], moves: Sequence[Move]) -> bool:
    """Return whether a run left open what its baseline left open, and nothing else was asked or had no time.

    Then nothing being decided is no sign that nothing could be.
    """
    asked = [result for result in results if result["verdict"] != SKIPPED]
    late = any(result["reason"] == BUDGET for result in results)
    same = all(result["verdict"] == INCONCLUSIVE and _is_as_before(result, moves) for result in asked)
    return bool(asked) and same and not late


def moves_of(report: Mapping) -> Sequence[Move]:
    """Return the moves of a run's report, none where it was not compared."""
    return report["baseline"]["moves"] if report["baseline"] else []


def against_entry(result: Mapping) -> str:
    """Return the verdict beside the one that the entry expects, and what makes the entry expect it."""
    told = f"verdict {result['verdict']}, the entry expects {result['expected_verdict']}: if it is to stay, "
    if result["verdict"] == REFUTED:
        return told + 'give it expected = { verdict = "refuted", basis = "baseline", since = DATE, because = "..." }'
    return told + "take expected out of the entry"


def remark(result: Mapping, moves: Sequence[Move]) -> str:
    """Return in a sentence of its own what a verdict other than expected means that does not count by itself."""
    told = why_uncounted(result, moves)
    if told == MOVED_AWAY:
        return f"(!) {result['id']} is {result['verdict']} and {told}, through which the run fails"
    if told != UNDECIDED:
        return f"(!) {result['id']} is {told}, which does not count: {against_entry(result)}"
    return f"(!) {result['id']} is not as expected, which is not counted: {told} (docs/gate.md)"


def expected_instead(result: Mapping, moves: Sequence[Move]) -> str:
    """Return which verdict was expected in place of one that is marked (!), and what of it fails the run."""
    told = f"expected {result['expected_verdict']}"
    if result["counts"]:
        return f"{told}, which fails the run"
    why = why_uncounted(result, moves)
    if why == MOVED_AWAY:
        return f"{told}; it {why}, through which the run fails"
    return f"{told}, which is not counted: {why}"
