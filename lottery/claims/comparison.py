"""Comparing a run with an earlier one, seed by seed: what is the same, what moved within noise, what drifted."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import stdev
from typing import Any, TypedDict

from lottery.claims.baselines import COMPARABLE, Baseline, Row, rounded, rows_of
from lottery.claims.changes import around, changed, edited
from lottery.claims.history import ASKED
from lottery.claims.results import all_results, in_order
from lottery.claims.rule import is_alone
from lottery.claims.statistics import (
    ERROR,
    HIGHER,
    LOWER,
    REFUTED,
    SKIPPED,
    Region,
    decide_drift,
    decide_flips,
    holm,
    holm_adjusted,
    interval_of_drift,
    positive,
    towards,
)

SAME, MOVED, DRIFTED, NOT_COMPARABLE = "same", "moved", "drifted", "not comparable"
TURNED = "turned"  # the same numbers with another verdict, which no chance brings about
FAILING = (TURNED, DRIFTED)  # what fails a run
NEW = "not asked before"  # why what an earlier run left out is not comparable
BROKE = "an error before"  # why what broke in it is not
OTHER = dict(zip(COMPARABLE, ("another scale", "another metric", "another network", "another data set", "other data")))
HOLDS, LOST = "control holds", "control lost"  # what is said of a negative control that moved
MEASURED = (ASKED[0], *ASKED[4:])  # of a question, what its numbers depend on: no words, no region
# A move below these shares of the seeds' spread and of the largest effect is rounding, as another machine brings it,
# though all seeds may agree on it.
OF_SPREAD, OF_SIZE = 0.01, 1e-5


class Move(TypedDict):
    """What became of a claim or of a part: its state, why, the p-value of no drift, the mean move and its interval.

    `adjusted` is the p-value after Holm's procedure over all that moved. `towards` is "better" if the mean moved
    towards what agrees with the claim, "worse" if away from it; of a negative control it is HOLDS or LOST. `changed`
    names what is another of what the numbers come from, None where that is not known. `verdicts` are the claim's
    before and now.
    """

    id: str
    part: str
    state: str
    reason: str
    p: float | None
    adjusted: float | None
    move: float | None
    interval: list[float] | None
    towards: str
    changed: list[str] | None
    verdicts: list[str]


class Comparison(TypedDict):
    """A comparison as `results.json` has it: with what, what was different around, and what became of every claim.

    `stored` says that it is with tables, whose numbers are rounded, and `exact` that every number has to be the same.
    """

    name: str
    stored: bool
    exact: bool
    around: list[str]
    moves: list[Move]
    only_before: int
    only_after: int


def comparison(report: Mapping[str, Any], baseline: Baseline, exact: bool = False) -> Comparison:
    """Return the comparison of a run's report with a baseline; claims that neither answered are left out."""
    results = in_order(all_results(report))
    ids = {result["id"] for result in results}
    different = around(baseline.report, report) if baseline.report else _elsewhere(baseline, report)
    return {
        "name": baseline.name,
        "stored": baseline.stored,
        "exact": exact,
        "around": list(different),
        "moves": compare(results, baseline, report["code"]),
        "only_before": len(baseline.claims.keys() - ids),
        "only_after": len(ids - baseline.claims.keys()),
    }


def _elsewhere(baseline: Baseline, report: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a stored baseline was measured, of each place that is not this run's."""
    machine = report["environment"]
    here = f"{machine['device']}, {machine['precision']}, torch {machine['torch']}"
    for place in dict.fromkeys(run.partition(" on ")[2] for run in baseline.runs):
        if place != here:
            yield f"rows of the baseline were measured on {place}"


def compare(results: Sequence[Mapping], baseline: Baseline, code: Mapping = {}) -> list[Move]:
    """Return the moves of every claim that both have; Holm's procedure over all that moved says which drifted.

    `code` is that of the results' report.
    """
    before = {result["id"]: result for result in all_results(baseline.report)} if baseline.report else {}
    edits = edited(baseline.report["code"], code) if baseline.report else {}
    moves = []
    for result in results:
        rows = baseline.claims.get(result["id"])
        if not rows or result["verdict"] == rows[0].verdict == SKIPPED:
            continue
        former = before.get(result["id"])
        changes = changed(former, result, edits) if former else None
        for move in _turned(_moves(result, rows, baseline.stored), result, rows, former):
            verdicts = [rows[0].verdict, result["verdict"]]
            moves.append(_directed(move, result) | {"changed": changes, "verdicts": verdicts})
    tested = [move for move in moves if move["p"] is not None]
    p_values = [move["p"] or 0.0 for move in tested]
    for move, significant, adjusted in zip(tested, holm(p_values), holm_adjusted(p_values)):
        move["adjusted"], move["state"] = adjusted, DRIFTED if significant and not move["reason"] else MOVED
    return moves


def _moves(result: Mapping, before: list[Row], stored: bool) -> list[Move]:
    """Return the moves of a claim's effects, or of each part's of a conjunction."""
    now = rows_of(result)
    if stored:
        now = [row._replace(effects=tuple(map(rounded, row.effects))) for row in now]
    claim, parts = now[0], {row.part: row for row in now[1:]}
    pairs = zip(claim.fingerprint.split("-"), before[0].fingerprint.split("-"))
    different = [name for name, (a, b) in zip(COMPARABLE, pairs) if a != b]
    if claim.verdict == ERROR:
        return [_move(claim, NOT_COMPARABLE, result["reason"])]
    if before[0].verdict == ERROR:
        return [_move(claim, NOT_COMPARABLE, BROKE)]
    if SKIPPED in (claim.verdict, before[0].verdict):
        return [_move(claim, NOT_COMPARABLE, result["reason"] if claim.verdict == SKIPPED else NEW)]
    if different:
        return [_move(claim, NOT_COMPARABLE, OTHER[different[0]])]
    if asked := [
        what for what in _asked_otherwise(claim.question, before[0].question or before[0].first) if what in MEASURED
    ]:
        return [_move(claim, NOT_COMPARABLE, f"another question ({asked[0]})")]
    if parts.keys() != {row.part for row in before[1:]}:
        return [_move(claim, NOT_COMPARABLE, "other parts")]
    if parts:
        return [_one(parts[row.part], row) for row in before[1:]]
    return [_one(claim, before[0])]


def _turned(moves: list[Move], result: Mapping, rows: list[Row], former: Mapping | None) -> list[Move]:
    """Return a claim's moves, those as turned whose numbers are the same and whose verdict is another.

    A conjunction rests on all of its parts: where these are the same and it turned, it has a row before theirs.
    """
    now, before = ({row.part: row for row in side} for side in (rows_of(result), rows))

    def told(move: Move) -> Move:
        one, other = now[move["part"]], before[move["part"]]
        if not _is_same(move) or one.verdict == other.verdict or not is_alone(one, other, result, former):
            return move
        return move | {"state": TURNED, "reason": f"{other.verdict}, now {one.verdict}"}

    found = [told(move) for move in moves]
    if result["parts"] and all(map(_is_same, moves)):
        whole = told(_move(now[""], SAME, move=0.0))
        found = [whole, *found] if whole["state"] == TURNED else found
    return found


def _is_same(move: Move) -> bool:
    """Return whether the numbers of all seeds are the same, of which there are no more and no fewer than before."""
    return move["state"] == SAME and not move["reason"]


def _asked_otherwise(now: str, before: str) -> list[str]:
    """Return in what two fingerprints of questions differ; nothing where one of them is not known."""
    if not now or not before:
        return []
    return [name for name, a, b in zip(ASKED, now.split("-"), before.split("-")) if a != b]


def _one(now: Row, before: Row) -> Move:
    """Return what became of a claim or a part in the seeds that both have, the first ones: seeds are counted from 0."""
    seeds, former = len(now.effects), len(before.effects)
    new, old = now.effects[: min(seeds, former)], before.effects[: min(seeds, former)]
    if new == old:
        if not now.effects and now.verdict != before.verdict:  # an exact claim, or one without effects
            return _move(now, MOVED, p=0.0)
        return _move(now, SAME, f"{seeds} seeds, {former} before" if seeds != former else "", move=0.0)
    pairs = [(a, b) for a, b in zip(new, old) if a is not None and b is not None]
    if len(pairs) < 2:
        return _move(now, NOT_COMPARABLE, "fewer than two common seeds")
    p, differences, reason = _drift(pairs, share=now.kind == before.kind == "proportion")
    if reason and (gaps := sum((a is None) != (b is None) for a, b in zip(new, old))):
        reason = f"{gaps} seed{'s' * (gaps > 1)} {'more' if None in old else 'fewer'}"
    mean = sum(differences) / len(differences)
    return _move(now, MOVED, reason, p, mean) | {"interval": interval_of_drift(differences)}


def _drift(pairs: Sequence[tuple[float, float]], share: bool) -> tuple[float, list[float], str]:
    """Return the p-value against no drift of seeds' numbers, now and before, their differences, and why it is none.

    A seed counts in a share or does not, by whatever margin.
    """
    if share:
        turned = [float(positive(a)) - positive(b) for a, b in pairs]
        return decide_flips(turned), turned, "" if any(turned) else "no seed turned"
    differences, old = [a - b for a, b in pairs], [b for _, b in pairs]
    least = max(OF_SPREAD * stdev(old), OF_SIZE * max(map(abs, old)))
    rounding = abs(sum(differences) / len(differences)) <= least
    return decide_drift(differences), differences, "rounding" if rounding else ""


def _move(of: Row, state: str, reason: str = "", p: float | None = None, move: float | None = None) -> Move:
    about = {"id": of.id, "part": of.part, "state": state, "reason": reason, "p": p, "adjusted": None, "move": move}
    return {**about, "interval": None, "towards": "", "changed": None, "verdicts": []}  # type: ignore[typeddict-item]


def _directed(move: Move, result: Mapping) -> Move:
    """Return a move with whether it is towards the region of its claim or part, where that is open at one end.

    A negative control is there to be refuted: it moves neither for better nor for worse, and is lost or holds.
    """
    if not move["move"]:
        return move
    if result["negative_control"]:
        return move | {"towards": HOLDS if result["verdict"] == REFUTED else LOST}
    regions = {part.get("name", ""): part.get("region") for part in (result, *result["parts"])}
    if (region := regions[move["part"]]) is None:
        return move
    return move | {"towards": towards(HIGHER if move["move"] > 0 else LOWER, Region.of(region))}


def verdicts(moves: Sequence[Move]) -> dict[str, list[str]]:
    """Return the verdicts before and now of the claims that were held against the baseline, by id."""
    held = [move for move in moves if move["state"] != NOT_COMPARABLE]
    return {move["id"]: move["verdicts"] for move in held if move.get("verdicts")}  # older results have none


def checked(moves: Sequence[Move]) -> bool:
    """Return whether anything was held against the baseline at all."""
    return any(move["state"] != NOT_COMPARABLE for move in moves)
