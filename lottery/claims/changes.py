"""Changes: what a claim's numbers come from that is another than in an earlier run, named as people call it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lottery.claims.results import all_results, data_of
from lottery.claims.rule import RULE

Code = Mapping[str, Mapping[str, str]]  # of `results.json`: by name, the definitions that it rests on with digests
WORDS = {
    "engine": "the engine's version",
    "precision": "the precision",
    "network": "the network",
    "data": "the data",
    "training": "the training",
    "arms": "what is trained",
    "statement": "the claim's function",
    "quantities": "how quantities are read",
}


def edited(before: Code, after: Code) -> dict[str, list[str]]:
    """Return the definitions that are others than before, by the names of what rests on them.

    What is new or gone counts only where nothing else is another: an edit that calls a new function is one change.
    """
    found = {}
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        changed = sorted(of for of in one.keys() & other.keys() if one[of] != other[of])
        found[name] = changed or sorted(one.keys() ^ other.keys())
    return found


def changed(before: Mapping, after: Mapping, edits: Mapping[str, Collection[str]]) -> list[str] | None:
    """Return what is another of what a claim's results come from; None where a result does not say,
    as that of an exact claim, which records no more than its own function.

    `edits` are the definitions that are others than before.
    """
    if not before["inputs"] or not after["inputs"]:
        return None
    one, other = before["inputs"], after["inputs"]
    kinds = [WORDS.get(kind, kind) for kind in sorted(one.keys() | other.keys()) if one.get(kind) != other.get(kind)]
    names = {edit for name in {*before["code"], *after["code"]} for edit in edits.get(name, ())}
    if after["kind"] == "exact" and not after["code"] and not kinds:
        return None  # it may call anything of the suite, of which nothing is recorded
    if not kinds:  # else they are what other arms or another network need
        names |= set(before["code"]) ^ set(after["code"])
    return sorted(names) + kinds


def around(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is different around two runs, given their reports: code, what decides, machine, packages, data."""
    for name in ("version", "commit"):
        if before[name] != after[name]:
            yield f"{name} {before[name] or 'unknown'}, then {after[name] or 'unknown'}"
    if rule := edited(before["code"], after["code"]).get(RULE):
        yield f"{RULE}: {', '.join(rule)}"
    for name in sorted(before["environment"].keys() | after["environment"].keys()):
        one, other = (run["environment"].get(name) for run in (before, after))
        if one != other:
            yield f"{name} {one}, then {other}"
    data = [data_of(all_results(run)) for run in (before, after)]
    for name in sorted(data[0].keys() & data[1].keys()):
        if data[0][name] != data[1][name]:
            yield f"the data set {name}: {data[0][name]}, then {data[1][name]}"
