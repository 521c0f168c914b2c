"""A claim in full: what is asked, why it would agree, what came of it seed by seed, and where to look further."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from textwrap import wrap

from lottery.claims.claims_folders import EXPECTED
from lottery.claims.judging import deviates
from lottery.claims.results import is_difference
from lottery.claims.statistics import SKIPPED
from lottery.claims.uncounted import expected_instead, moves_of
from lottery.core.shell import quote
from lottery.core.text import spoken
from lottery.report.interval_bar import interval_bar
from lottery.report.results_table import MARKED, claim_name, code, number, ours, published, verdict
from lottery.report.screen import NARROWEST, WIDEST, agreement, not_enough, why

OF_ROUND = re.compile(r"(.*), round (\d+)(.*)")  # an arm at a round, as results name it
KEPT = re.compile(r"\d[\d.]*% kept|as many kept as planted")  # of an arm's name: how sparse a search makes a network
MARKS = {"failed": "!", "censored": "<"}
LEGEND = "!: some seeds failed; <: some stopped at the end of their run"
# Without which a claim is another, or none.
OWN = ("--claims", "--criterion", "--as", "--treatment", "--network", "--dataset")
LABEL = 12  # columns of what stands before a text
BAR = 40


def explanation(result: Mapping, report: Mapping, width: int, run: str = "") -> str:
    """Return everything that a run's `results.json` says of a claim, for a terminal of this width.

    `run` is how commands are told which run this is; nothing means the latest of `results`.
    """
    width = max(NARROWEST, min(WIDEST, width))
    lines = [f"{code(result)}  {result['id']}", "─" * width]
    for label, text in facts(result, report):
        if text:
            lines += wrap(f"{label:{LABEL}}{text}", width, subsequent_indent=" " * LABEL)
    outcomes = [*_outcomes(result), *_beside(result)]
    lines += [*([""] if outcomes else []), *outcomes, *_arms(result, width)]
    lines += ["", f"{'test':{LABEL}}{result['test']}", f"{'rerun':{LABEL}}{replay_command(result, report)}"]
    if result["verdict"] != SKIPPED:
        command = f"lottery replay {quote(claim_name(result))} {run}".rstrip()
        lines.append(f"{'replay':{LABEL}}{command}, which trains it in an empty store")
    return "\n".join(line.rstrip() for line in lines)


def facts(result: Mapping, report: Mapping) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a claim, each with a label; a text is empty where nothing is known."""
    head = f"the head of {entries_file(result)}"
    for label, text in _facts(result, report):
        yield label, text.replace("the head of this file", head)


def entries_file(result: Mapping) -> str:
    """Return the file of a claim's entry, as a checkout names it: that of benchmarks/test_x.py is expected/x.toml."""
    return f"{EXPECTED}/{PurePosixPath(result['test'].rpartition(':')[0]).stem.removeprefix('test_')}.toml"


def _facts(result: Mapping, report: Mapping) -> Iterator[tuple[str, str]]:
    yield "claim", result["statement"]
    yield "with", f"another {' and '.join(result['replaced'])} than the paper's (--as)" if result["replaced"] else ""
    yield "source", f"{result['title']}; {result['source']}"
    told = result["published"]
    yield "paper", f"{published(result)} ({told['provenance']})" if told else ""
    yield "in doubt", result["doubt"]
    unit = result["unit"]
    where = f"{agreement(result['region'], unit)} {unit}".rstrip() + ": " if result["region"] else ""
    yield "agrees", where + result["region_because"]
    yield "measured", _measured(result)
    yield "trained on", _trained(result)
    yield ("analogue", result["analogue_because"] or ("smaller data, networks or trainings" * bool(result["analogue"])))
    yield "changed", result["changed"]
    yield "verdict", f"{verdict(result)}: {ours(result)}" if ours(result) else verdict(result)
    reasons = [] if result["verdict"] == "reproduced" else [why(result), not_enough(result)]
    yield "because", "; ".join(dict.fromkeys(filter(None, reasons)))
    yield "expected", f"{result['expected_verdict']}, {result['expected_because']}" * bool(result["expected_because"])
    yield MARKED, expected_instead(result, moves_of(report)) if deviates(result) else ""


def _measured(result: Mapping) -> str:
    """Return what the numbers are, at which of the sparsities that the words name, and of shares which seeds count."""
    kinds = {outcome["kind"] for outcome in result["parts"] or [result]}
    counts = "" if "proportion" not in kinds else "a seed counts in a share if its number is above 0"
    kept = list(dict.fromkeys(found[0] for arm in result["arms"] for found in KEPT.finditer(arm)))
    here = f"of sparsities, the scale {result['scale']} asks {', '.join(kept)}" if kept else ""
    return "; ".join(filter(None, [result["metric"], here, counts]))


def _trained(result: Mapping) -> str:
    if not result["trained_network"]:
        return ""
    iterations = f", {result['iterations']:,} iterations" if result["iterations"] else ""
    how = f", {result['optimiser']} at learning rate {result['learning_rate']:g}" if result.get("optimiser") else ""
    return f"{result['trained_network']} on {result['dataset']}{iterations}{how}, {len(result['seeds'])} seeds"


def _outcomes(result: Mapping) -> Iterator[str]:
    """Yield a picture, the p-values and a strip of seeds, of the claim or of each of its parts."""
    for part in result["parts"] or [result]:
        if part["estimate"] is None:
            continue
        yield f"{outcome_name(part)}: {outcome_told(part, result)}, {part['verdict']}"
        if part["region"]:
            bar = interval_bar(part["region"], part["estimate"], part["interval"], BAR, is_difference(result["unit"]))
            yield f"  {bar}  agrees {agreement(part['region'], outcome_unit(part, result))}"
        if told := p_values(part):
            yield f"  {told}"
        yield f"  seeds {strip(part['effects'], result['unit'])}"


def _beside(result: Mapping) -> Iterator[str]:
    """Yield the means that stand beside a conjunction's parts, each with a strip of seeds, or why there is none."""
    if result["beside"]:
        yield from ("", "beside these, and not judged")
    for mean in result["beside"]:
        told = "" if mean["estimate"] is None else outcome_told({**mean, "kind": "effect"}, result)
        yield f"{outcome_name(mean)}: {', '.join(filter(None, (told, mean['reason'])))}"
        yield f"  seeds {strip(mean['effects'], result['unit'])}"


def outcome_name(part: Mapping) -> str:
    """Return what the outcome of a claim, or of one of its parts, is called."""
    return spoken(part.get("name", "estimate"))


def outcome_unit(part: Mapping, result: Mapping) -> str:
    """Return the unit of the outcome of a claim or of one of its parts."""
    return "of seeds" if part["kind"] == "proportion" else str(result["unit"])


def outcome_told(part: Mapping, result: Mapping) -> str:
    """Return the estimate of a claim or of one of its parts, with its interval and its unit."""
    return ours({**part, "parts": [], "unit": outcome_unit(part, result)})


def p_values(part: Mapping) -> str:
    """Return an outcome's p-values in words; empty where it has none."""
    if part["p_inside"] is None:
        return ""
    return f"p-value of agreeing {part['p_outside']:.2g}, of not agreeing {part['p_inside']:.2g}"


def strip(effects: Sequence[float | None], unit: str) -> str:
    """Return the number of every seed, in the order of the seeds."""
    return " ".join("-" if effect is None else number(effect, unit) for effect in effects)


def selection(result: Mapping) -> str:
    """Return the expression by which pytest selects a claim's test and no other."""
    return f"{PurePosixPath(result['test'].rpartition(':')[0]).name} and test_{claim_name(result)}"


def replay_command(result: Mapping, report: Mapping) -> str:
    """Return the command that runs a claim, and no other, again at the scale of its run."""
    own = "".join(f" {option} {quote(value)}" for option, value in _own(report["command"]))
    return f"lottery run -n auto --scale {report['scale']}{own} -k {quote(selection(result))}"


def _own(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of pytest's arguments that give something of the user's own, with their values."""
    for word, following in zip(command, [*command[1:], ""]):
        option, equals, value = word.replace("--lottery-", "--", 1).partition("=")
        if option in OWN:
            yield option, value if equals else following


def means_by_round(result: Mapping) -> dict[str, str]:
    """Return every arm's means over seeds, round by round in one text, with a sign for what failed or was cut short."""
    rounds: dict[tuple[str, str], list[str]] = {}
    for name, arm in result["arms"].items():
        values = [value for value in arm["values"] if value is not None]
        mean = f"{sum(values) / len(values):.4g}" if values else "-"
        marks = "".join(sign for mark, sign in MARKS.items() if arm[mark])
        found = OF_ROUND.fullmatch(name)
        before, round, behind = found.groups() if found else (name, "", "")
        rounds.setdefault((before, behind), []).append(f"{round + ': ' if round else ''}{mean}{marks}")
    return {f"{before}{behind}": "   ".join(means) for (before, behind), means in rounds.items()}


def _arms(result: Mapping, width: int) -> Iterator[str]:
    arms = means_by_round(result)
    if arms:
        yield ""
        yield f"arms, means over seeds{', by round' * any(': ' in means for means in arms.values())} ({LEGEND})"
    for name, means in arms.items():
        yield from wrap(name, width, initial_indent="  ", subsequent_indent="  ")
        yield from wrap(means, width, initial_indent="      ", subsequent_indent="      ")
