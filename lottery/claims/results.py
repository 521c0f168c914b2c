"""Results: what a claim is and what became of it, in the plain terms of `results.json`."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from lottery.claims.history import asked_of
from lottery.claims.statistics import ALPHA, Decision, Region, aside
from lottery.core.errors import LotteryError
from lottery.core.text import printable
from lottery.experiments.scales import Scale

if TYPE_CHECKING:
    from lottery.claims.resolved import ResolvedClaim


SCHEMA = 7  # of results.json, which results.schema.json beside this file describes
LAST = ("lottery2026", "negative_controls", "own_criterion", "own_treatment", "own_network")  # after the papers
LISTS = {
    "claims": "",
    "criteria": "criterion",
    "treatments": "treatment",
    "networks": "network",
}  # of results, by the option that they are of
DIFFERENCES = {"pp", "log ratio"}  # units; a conjunction may name several


def check_schema(found: object, file: Path) -> None:
    """Raise where a file of results has another schema than this version reads."""
    if found == SCHEMA:
        return
    newer = type(found) is int and found > SCHEMA
    way = "a newer version wrote it: update lottery" if newer else "run again: all that was trained is stored"
    raise LotteryError(f"{file} has schema {found}, and this version reads {SCHEMA}; {way}")


def position(paper: str, number: str, id: str) -> tuple:
    """Return where a claim stands in tables: by paper, group (the S of S1), number and id."""
    digits = "".join(filter(str.isdigit, number))
    group = number[:1] if number[:1].isalpha() else ""
    return LAST.index(paper) if paper in LAST else -1, paper, group, int(digits or 0), id


def in_order(results: Sequence[Mapping]) -> list[Mapping]:
    """Return results as tables have them: the same order however the tests ran."""
    return sorted(results, key=lambda result: position(result["paper"], result["number"], result["id"]))


def data_of(results: Sequence[Mapping]) -> dict[str, str]:
    """Return the digests of all data that anything was trained on, by data set."""
    trained = [result for result in results if result["data_fingerprint"]]
    found = {result["dataset"]: result["data_fingerprint"] for result in trained}
    for result in trained:
        found |= result["tasks"]
    return dict(sorted(found.items()))


def all_results(report: Mapping) -> list[Mapping]:
    """Return the results of a `results.json`: of the papers' claims, of own criteria, of own networks."""
    return [result for name in LISTS for result in report[name]]


def plain(value: object) -> object:
    """Return a value in terms of strict JSON, which every file and terminal can show: no NaN, no infinity, text keys.

    Texts are in one line and have nothing but characters to read.
    """
    if isinstance(value, Mapping):
        return {printable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def in_words(value: object) -> str:
    """Return a value as a sentence has it: names with what they are, yes and no, lists with commas."""
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(key))} {in_words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple, range)):
        return ", ".join(map(in_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))


def is_difference(unit: str) -> bool:
    """Return whether numbers of this unit are differences, on either side of zero, and no levels."""
    return set(unit.split(", ")) <= DIFFERENCES


def of_differences(unit: str) -> str:
    """Return the unit of differences between numbers of this unit: those between per cent are percentage points."""
    return "pp" if unit == "%" else unit


def outcome(decision: Decision, region: Region | None, kind: str, unit: str) -> dict[str, object]:
    """Return the fields that a decision on a claim or a part of this kind and unit has in `results.json`."""
    compares = kind == "effect" and is_difference(unit)
    return {
        "kind": kind,
        "region": None if region is None else plain([region.low, region.high]),
        "estimate": plain(decision.estimate),
        "interval": plain(decision.interval),
        "confidence": 1 - 2 * ALPHA if decision.interval else None,
        "prediction": plain(decision.prediction),
        "n": decision.n,
        "failed": list(decision.failed),
        "side": decision.side if compares else "",
        "aside": aside(decision, region) if region and compares else "",
        "p_inside": plain(decision.p_inside),
        "p_outside": plain(decision.p_outside),
        "verdict": decision.verdict,
        "reason": decision.reason,
    }


def beside(decision: Decision) -> dict[str, object]:
    """Return a mean that is reported and not judged, as `results.json` has it."""
    told = outcome(decision, None, "effect", "")
    return {name: told[name] for name in ("estimate", "interval", "confidence", "n", "reason")}


def describe(asked: "ResolvedClaim", scale: Scale) -> dict[str, object]:
    """Return what a claim is, as `results.json` has it."""
    entry, setting = asked.entry, asked.setting
    expected = asked.question.expected or entry.expected
    published = entry.published
    return {
        "id": asked.claim.id,
        "paper": entry.paper,
        "number": entry.number,
        "statement": entry.statement,
        "source": entry.source,
        "published": published
        and {"value": published.value, "unit": published.unit, "provenance": published.provenance},
        "title": entry.title,
        "letter": entry.letter,
        "numbers": entry.numbers,
        "headline": entry.headline,
        "asked_at": entry.asked_at(),
        "region_because": asked.question.reason,
        "analogue_because": asked.question.analogue if asked.analogue else "",
        "test": f"{asked.claim.file.parent.name}/{asked.claim.file.name}:{asked.claim.line}",
        "network": asked.claim.network,
        "trained_network": setting.network if setting else None,
        "dataset": setting.data if setting else None,
        "iterations": setting.config.iterations if setting else None,
        "optimiser": setting.config.optimiser if setting else None,
        "learning_rate": setting.config.learning_rate if setting else None,
        "data_fingerprint": None,
        "tasks": {},
        "scale": scale.name,
        "analogue": asked.analogue,
        "metric": entry.metric,
        "unit": entry.unit,
        "seeds": list(asked.seeds),
        "effects": [],
        "parts": [],
        "beside": [],
        "arms": {},
        "levels": {},
        "expected_verdict": expected.verdict,
        "expected_basis": expected.basis,
        "expected_because": expected.because,
        "expected_since": str(expected.since or ""),
        "changed": "; ".join(change.told(scale.name) for change in entry.changes(scale.name)),
        "changes": len(entry.changes(scale.name)),
        "question": asked_of(entry, scale.name),
        "doubt": entry.doubt,
        "negative_control": bool(entry.negates),
        "own": asked.claim.option,
        "inputs": {},
        "code": [],
        "rests_on": [],
    }
