"""Comparing a run with a baseline, seed by seed: what is the same, what moved within noise, what drifted."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from lottery.claims.baselines import COMPARABLE, Baseline, Row, rounded, rows_of
from lottery.claims.statistics import decide_drift, holm, interval_of_drift

SAME, MOVED, DRIFTED, NOT_COMPARABLE = "same", "moved", "drifted", "not comparable"


class Move(TypedDict):
    """What became of a claim or of a part: its state, why, the p-value of no drift, the mean move and its interval.

    `towards` is "better" if the mean moved towards what agrees with the claim, "worse" if away from it.
    """

    id: str
    part: str
    state: str
    reason: str
    p: float | None
    move: float | None
    interval: list[float] | None
    towards: str


def compare(results: Sequence[Mapping], baseline: Baseline) -> list[Move]:
    """Return the moves of every claim that both have; Holm's procedure over all that moved says which drifted."""
    moves = []
    for result in results:
        if result["id"] in baseline.claims:
            rows = rows_of(result)
            if baseline.stored:
                rows = [row._replace(effects=tuple(map(rounded, row.effects))) for row in rows]
            regions = {part.get("name", ""): part.get("region") for part in (result, *result["parts"])}
            moves += [_directed(move, regions[move["part"]]) for move in _moves(rows, baseline.claims[result["id"]])]
    p_values = [move["p"] for move in moves if move["p"] is not None]
    for move, significant in zip((move for move in moves if move["p"] is not None), holm(p_values)):
        move["state"] = DRIFTED if significant else MOVED
    return moves


def _moves(now: list[Row], before: list[Row]) -> list[Move]:
    """Return the moves of a claim's effects, or of each part's of a conjunction."""
    claim, parts = now[0], {row.part: row for row in now[1:]}
    pairs = zip(claim.fingerprint.split("-"), before[0].fingerprint.split("-"))
    different = [name for name, (a, b) in zip(COMPARABLE, pairs) if a != b]
    if different:
        return [_move(claim, NOT_COMPARABLE, f"another {different[0]}")]
    if parts.keys() != {row.part for row in before[1:]}:
        skipped = not parts or len(before) == 1
        return [_move(claim, NOT_COMPARABLE, "fewer than two common seeds" if skipped else "other parts")]
    if parts:
        return [_one(parts[row.part], row) for row in before[1:]]
    return [_one(claim, before[0])]


def _one(now: Row, before: Row) -> Move:
    if now.effects == before.effects:
        if not now.effects and now.verdict != before.verdict:  # an exact claim, or one without effects
            return _move(now, MOVED, "another verdict", 0.0, 0.0)
        return _move(now, SAME, move=0.0)
    differences = [a - b for a, b in zip(now.effects, before.effects) if a is not None and b is not None]
    if len(differences) < 2:
        return _move(now, NOT_COMPARABLE, "fewer than two common seeds")
    p, mean = decide_drift(differences), sum(differences) / len(differences)
    return _move(now, MOVED, "", p, mean) | {"interval": interval_of_drift(differences)}


def _move(of: Row, state: str, reason: str = "", p: float | None = None, move: float | None = None) -> Move:
    about = {"id": of.id, "part": of.part, "state": state, "reason": reason}
    return {**about, "p": p, "move": move, "interval": None, "towards": ""}  # type: ignore[typeddict-item]


def _directed(move: Move, region: Sequence[float | None] | None) -> Move:
    """Return a move with whether it is towards its region, where that is open at one end."""
    if region is None or not move["move"] or (region[0] is None) == (region[1] is None):
        return move
    return move | {"towards": "better" if (move["move"] > 0) == (region[1] is None) else "worse"}


def checked(moves: Sequence[Move]) -> bool:
    """Return whether anything was held against the baseline at all."""
    return any(move["state"] != NOT_COMPARABLE for move in moves)


def remarks(moves: Sequence[Move], path: str) -> list[str]:
    """Return a line about the whole comparison, and one for every claim that drifted or could not be compared."""
    counts = {state: sum(move["state"] == state for move in moves) for state in (SAME, MOVED, DRIFTED, NOT_COMPARABLE)}
    shown = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no claim in common"
    lines = [f"baseline {path}: {shown}"]
    for move in moves:
        if move["state"] == DRIFTED:
            how = move["reason"] or f"by {move['move']:+.3g} (paired t, p = {move['p']:.2g})"
            lines.append(f"{move['id']}: drifted from the baseline: {how}")
        elif move["state"] == NOT_COMPARABLE:
            lines.append(f"{move['id']}: not comparable with the baseline: {move['reason']}")
    return lines
