"""The results table: its cells, the line above it and the line below it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from lottery.claims.expectation import BASELINE, CONTRADICTION, CONTROL
from lottery.claims.judging import deviates, fails
from lottery.claims.results import all_results, data_of, in_order, is_difference
from lottery.claims.statistics import ANSWERS, ERROR, REFUTED, REPRODUCED, SKIPPED
from lottery.claims.uncounted import beyond_chance
from lottery.core.text import cut, for_markdown
from lottery.report.answer import counted

PAPER_WIDTH = 16  # characters of the paper's value in a terminal
HEADERS = ("claim", "paper", "ours", "n", "verdict", "s")
ALIGN = ("left", "left", "left", "right", "left", "right")
# Three reasons to expect a refutation, as a cell says them, and as the line below the table counts them.
MARKS = {CONTROL: "control", CONTRADICTION: "contradicted", BASELINE: "known since {since}"}
MARKED = "(!)"  # of a verdict that is decided and not the expected one
COUNTED = {
    CONTROL: "negative controls",
    CONTRADICTION: "contradicted by themselves or by others",
    BASELINE: "known since our baseline",
}
NO_ANSWER = {ERROR: "ended in an error", SKIPPED: "not asked"}


def code(result: Mapping) -> str:
    """Return a claim's letter and number, such as F12."""
    return f"{result['letter']}{result['number']}"


def number(value: float, unit: str) -> str:
    """Return a measured number with the digits that its unit deserves."""
    digits = 1 if unit == "%" else 2
    return f"{value:+.{digits}f}" if is_difference(unit) else f"{value:.{digits}f}"


def ours(result: Mapping) -> str:
    """Return our estimate with its interval, or of a conjunction how many parts hold."""
    if result["parts"]:
        held = sum(part["verdict"] == REPRODUCED for part in result["parts"])
        return f"{held} of {len(result['parts'])} parts"
    if result["estimate"] is None:
        return ""
    unit = result["unit"]
    text = number(result["estimate"], unit)
    if result["interval"]:
        text += f" {span(result['interval'], unit)}"
    return f"{text} {unit}".rstrip()


def span(ends: Sequence[float | None], unit: str) -> str:
    """Return an interval as tables have it, of which an end may be missing, being infinite."""
    low, high = ends
    return f"[{'-inf' if low is None else number(low, unit)}, {'inf' if high is None else number(high, unit)}]"


def one_more(result: Mapping) -> str:
    """Return the interval in which one more seed would lie, of a mean, as words to follow others."""
    return f"; one more seed {span(result['prediction'], result['unit'])}" if result["prediction"] else ""


def published(result: Mapping, width: int | None = None) -> str:
    """Return the paper's value, a dash where it prints none, with a question mark where that is not certain."""
    printed, mark = result["published"], " ?" if result["doubt"] else ""
    value = "-" if not printed else printed["value"]
    if not isinstance(value, str):
        value = f"{value:g} {printed['unit']}"
    return (value if width is None else cut(value, width)) + mark  # which is never cut


def verdict(result: Mapping) -> str:
    """Return the verdict with its marks: an analogue, worse within its margin, expected or not, devices, changed."""
    text = result["verdict"]
    if result["analogue"] and text in ANSWERS:
        text += " (analogue)"
    if result["aside"]:
        text += f", though {result['aside']}"
    if deviates(result):
        text += f" {MARKED}"
    elif result["verdict"] == result["expected_verdict"] == REFUTED:
        text += f" ({MARKS[result['expected_basis']].format(since=result['expected_since'])})"
    text += " (devices mixed)" if result["devices_mixed"] else ""
    return text + (" (question changed)" if result["changed"] else "")


def claim_name(result: Mapping) -> str:
    """Return a claim's name within its paper."""
    return result["id"].partition(".")[2]


def table(results: Sequence[Mapping], format: str) -> str:
    """Return the table in one of tabulate's formats, grouped by paper."""
    markdown = format == "github"
    rows, paper = [], None
    for result in in_order(results):
        if result["paper"] != paper:
            paper, title = result["paper"], result["title"]
            rows.append([f"**{for_markdown(title)}**" if markdown else title] + [""] * (len(HEADERS) - 1))
        name = f"{code(result)} {claim_name(result)}" if markdown else f"· {code(result):5} {claim_name(result)}"
        value = published(result, None if markdown else PAPER_WIDTH)
        seconds = f"{result['seconds']:.1f}" if result["seconds"] else ""
        cells = [name, value, ours(result), result["n"] or "", verdict(result), seconds]
        rows.append([for_markdown(str(cell)) for cell in cells] if markdown else cells)
    return tabulate(rows, HEADERS, format, disable_numparse=True, colalign=ALIGN)


def heading(report: Mapping) -> str:
    """Return the line above the table: scale, data, device."""
    results = all_results(report)
    data = [f"{name} ({digest})" for name, digest in data_of(results).items()]
    device = report["environment"]["device"]
    of = "".join(f", {name} is {what}" for name, what in report["replaced"].items())
    return f"lottery, scale {report['scale']}, data {', '.join(data) or 'none'}, device {device}{of}"


def replaced(report: Mapping) -> str:
    """Return in words which criteria are others in this run (--as), and how many of its claims that touches."""
    claims = [result for result in all_results(report) if result["replaced"]]
    of = ", ".join(f"{name} is {what}" for name, what in report["replaced"].items())
    return f"NOT AS PUBLISHED: {of} in this run (--as), which {len(claims)} of its tests rest on"


def summary(report: Mapping) -> str:
    """Return the line below it, about the whole run: what was measured apart from what is exact."""
    everything = all_results(report)
    answered = [result for result in everything if result["verdict"] in ANSWERS]
    exact = [result for result in answered if result["kind"] == "exact"]
    measured = [result for result in answered if result["kind"] != "exact"]
    analogues = sum(result["analogue"] for result in measured)
    words = _counted(measured) + ([f"{analogues} of them analogues"] if analogues else [])
    parts = [f"{counted(len(measured), 'claim', 'claims')} measured: {', '.join(words)}"] if measured else []
    if exact:
        parts.append(f"{len(exact)} exact, of arithmetic and of the algorithm: {', '.join(_counted(exact))}")
    verdicts = Counter(result["verdict"] for result in everything)
    parts += [f"{verdicts[name]} {words}" for name, words in NO_ANSWER.items() if verdicts[name]]
    other = sum(fails(result, result["counts"]) for result in everything)
    parts.append(f"{other} other than expected{beyond_chance(everything)}")
    parts.append(f"{report['trained_steps']:,} network-steps trained in {report['seconds']:.1f} s")
    return "; ".join(parts)


def _counted(results: Sequence[Mapping]) -> list[str]:
    """Return how many claims have each verdict, refutations that are expected with their reasons."""
    counts = Counter(result["verdict"] for result in results)
    bases = Counter(
        result["expected_basis"] for result in results if result["verdict"] == result["expected_verdict"] == REFUTED
    )
    words = {name: f"{counts[name]} {name}" for name in ANSWERS if counts[name]}
    if bases:
        words[REFUTED] += f" ({', '.join(f'{bases[basis]} {name}' for basis, name in COUNTED.items() if bases[basis])})"
    return list(words.values())
