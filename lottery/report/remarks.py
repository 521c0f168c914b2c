"""Remarks below the results table: what needs a word, and what searches are measured against."""

from collections.abc import Mapping, Sequence

from lottery.claims.judging import CENSORED_SHARE
from lottery.claims.results import data_of, in_order
from lottery.claims.statistics import REFUTED, REPRODUCED
from lottery.core.text import printable, spoken
from lottery.data.stand_ins import OTHER, STAND_INS
from lottery.report.results_table import claim_name, number, one_more, span

MARKS = {"failed": "failed to learn", "censored": "run too short for its early stop"}


def all_remarks(results: Sequence[Mapping], urgent: Sequence[str]) -> list[str]:
    """Return the remarks on a run's results, and after them those on the whole run."""
    return [*map(printable, [*remarks(results), *levels(results)]), *urgent]


def remarks(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every claim that needs a word: not reproduced, worse within its margin, failed networks."""
    lines = []
    for result in in_order(results):
        reasons = [result["reason"]]
        if result["verdict"] == result["expected_verdict"] == REFUTED and not result["negative_control"]:
            reasons.append(result["expected_because"])
        for part in result["parts"]:
            if part["verdict"] != REPRODUCED and part["estimate"] is not None:
                reasons.append(f"{spoken(part['name'])} {part['verdict']}: {part['estimate']:+.2f}")
        outcomes = result["parts"] or [result]
        reasons += [_aside(part, result["unit"]) for part in outcomes]
        reasons += [_beside(part, result["unit"]) for part in result["beside"]]
        if result["devices_mixed"]:
            reasons.append(f"its arms were computed on different devices, {' and '.join(result['devices'])}")
        notes = [told for mark, words in MARKS.items() if (told := _affected(result["arms"], mark, words))]
        if any(reasons) or notes:
            told = "".join(f"; {reason}" for reason in filter(None, reasons)) + one_more(result)
            lines.append(f"{claim_name(result)}: {result['verdict']}{f': {told[2:]}' * bool(told)}")
            lines[-1] += f". Note, whatever the verdict: {'; '.join(notes)}" * bool(notes)
    return lines


def _aside(part: Mapping, unit: str) -> str:
    """Return that what is reproduced within its margin is worse, or lower or higher, for certain."""
    if not part["aside"]:
        return ""
    text = f"though {part['aside']}: {number(part['estimate'], unit)} {span(part['interval'], unit)}"
    return f"{spoken(part['name'])} {text}" if "name" in part else text


def _beside(part: Mapping, unit: str) -> str:
    """Return what stands beside the parts of a conjunction, with its interval."""
    if part["interval"] is None:
        return ""
    told = f"{spoken(part['name'])} {number(part['estimate'], unit)} {span(part['interval'], unit)}"
    return told + f" ({part['reason']})" * bool(part["reason"])


def _affected(arms: Mapping[str, Mapping], mark: str, words: str) -> str:
    """Return which arms failed or were stopped too early, with how many of their seeds; none if that is rare."""
    often = 0 if mark == "failed" else CENSORED_SHARE
    found = {name: arm for name, arm in arms.items() if len(arm[mark]) > often * len(arm["values"])}
    told = ", ".join(f"{name} ({len(arm[mark])} of {len(arm['values'])} seeds)" for name, arm in found.items())
    return f"{words}: {told}" if told else ""


def stand_ins(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every data set that stands in for another one."""
    used = {name.partition(",")[0] for name in data_of(results)}
    return [
        f"{other} stands in for {name}, which is not in the data folder; what was measured on it is an analogue"
        for name, other in STAND_INS.items()
        if other in used
    ] + [
        f"{name}: the files in the data folder are not those of {name.removesuffix(OTHER)} as it was published; "
        "what was measured on them is an analogue. Remove them to have the published ones downloaded"
        for name in sorted(used)
        if name.endswith(OTHER)
    ]


def levels(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every network that was searched: the scores of its planted ticket and of trivial functions."""
    scores_by_network: dict[str, Mapping] = {}
    for result in results:
        scores_by_network = {**result["levels"], **scores_by_network}
    lines = []
    for network, scores in sorted(scores_by_network.items()):
        accuracy = "circle" in network
        ticket, constant, affine = (
            f"{scores[name]:.1f} %" if accuracy else f"{scores[name]:.3g}" for name in ("ticket", "constant", "affine")
        )
        what = "test accuracy" if accuracy else "mean squared error"
        trivial = f"of the best constant {constant}, affine {affine}"
        lines.append(f"{network}: {what} of the planted ticket {ticket}, {trivial}")
    return lines
