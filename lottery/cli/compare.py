"""`lottery compare`: what moved from one run to another, claim by claim, and what was different around them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tabulate import tabulate

from lottery.claims.baselines import Baseline, rows_of
from lottery.claims.comparison import DRIFTED, MOVED, NOT_COMPARABLE, SAME, Move, compare
from lottery.claims.results import all_results, data_of, in_order
from lottery.cli.show import read
from lottery.report.results_table import claim_name, span
from lottery.report.screen import code

HEADERS = ("claim", "moved by", "90 %", "p", "")
MEANING = {DRIFTED: "more than chance among so many claims (Holm)", MOVED: "within what chance does"}


def compare_runs(before: Path, after: Path) -> tuple[str, bool]:
    """Return what moved from a run to another in a table, and whether anything did by more than chance."""
    first, second = read(before), read(after)
    results = {result["id"]: result for result in in_order(all_results(second))}
    baseline = Baseline({result["id"]: rows_of(result) for result in all_results(first)}, stored=False)
    moves = compare(list(results.values()), baseline)
    counts = Counter(move["state"] for move in moves)
    lines = [f"{counts[state]} {state}" for state in (SAME, MOVED, DRIFTED, NOT_COMPARABLE) if counts[state]]
    missing = len(baseline.claims.keys() - results.keys()), len(results.keys() - baseline.claims.keys())
    told = [
        f"{', '.join(lines) or 'no claim in common'}; {missing[0]} only in the first, {missing[1]} only in the second"
    ]
    told += [f"different: {line}" for line in _around(first, second)] or ["nothing else is different that a run keeps"]
    rows = [_row(results[move["id"]], move) for move in moves if move["state"] in MEANING]
    rows.sort(key=lambda row: row[3] != DRIFTED)
    shown = [tabulate(rows, HEADERS, disable_numparse=True)] if rows else []
    reasons = [f"{move['id']}: not comparable: {move['reason']}" for move in moves if move["state"] == NOT_COMPARABLE]
    return "\n".join([*told, "", *shown, *reasons]).rstrip(), bool(counts[DRIFTED])


def _row(result: Mapping, move: Move) -> list[str]:
    name = f"{code(result)} {claim_name(result)}" + (f", {move['part'].replace('_', ' ')}" if move["part"] else "")
    if move["move"] is None or move["p"] is None:
        return [name, "", "", "", move["reason"]]
    unit = result["unit"]
    interval = span(move["interval"], "pp" if unit == "%" else unit) if move["interval"] else ""
    towards = f"{move['towards']}: " if move["towards"] else ""
    told = move["reason"] or f"{towards}{MEANING[move['state']]}"
    return [name, f"{move['move']:+.3g} {unit}", interval, f"{move['p']:.2g}", told]


def _around(first: Mapping, second: Mapping) -> Iterator[str]:
    """Yield what was different around two runs: code, scale, machine, packages, data."""
    for name in ("version", "commit", "scale"):
        if first[name] != second[name]:
            yield f"{name} {first[name] or 'unknown'}, then {second[name] or 'unknown'}"
    for name in sorted(first["environment"].keys() | second["environment"].keys()):
        one, other = (run["environment"].get(name) for run in (first, second))
        if one != other:
            yield f"{name} {one}, then {other}"
    data = [data_of(all_results(run)) for run in (first, second)]
    for name in sorted(data[0].keys() & data[1].keys()):
        if data[0][name] != data[1][name]:
            yield f"the data set {name}: {data[0][name]}, then {data[1][name]}"
