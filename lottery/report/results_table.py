"""The results table: its cells, the line above it and the line below it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from lottery.claims.judging import deviates
from lottery.claims.results import in_order
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED

PAPER_WIDTH = 16  # characters of the paper's value in a terminal
HEADERS = ("claim", "paper", "ours", "n", "verdict", "s")
ALIGN = ("left", "left", "left", "right", "left", "right")


def number(value: float, unit: str) -> str:
    """Return a measured number with the digits that its unit deserves."""
    digits = 1 if unit == "%" else 2
    return f"{value:+.{digits}f}" if unit in ("pp", "log ratio") else f"{value:.{digits}f}"


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
        text += f" [{number(result['interval'][0], unit)}, {number(result['interval'][1], unit)}]"
    return f"{text} {unit}"


def published(result: Mapping, width: int | None = None) -> str:
    """Return the paper's value, a dash where it prints none, with a question mark where that is not certain."""
    printed, mark = result["published"], " ?" if result["doubt"] else ""
    value = "-" if not printed else printed["value"]
    if not isinstance(value, str):
        value = f"{value:g} {printed['unit']}"
    if width is not None and len(value) > width:
        value = f"{value[: width - 1]}…"  # never the mark
    return value + mark


def verdict(result: Mapping) -> str:
    """Return the verdict with its marks: an analogue, as expected or not, a region that was changed."""
    text = result["verdict"]
    if result["analogue"] and text != SKIPPED:
        text += " (analogue)"
    if deviates(result):
        text += " (!)"
    elif result["verdict"] == result["expected_verdict"] == REFUTED:
        text += " as expected"
    return text + (" (question changed)" if result["region_changed"] else "")


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
            rows.append([f"**{title}**" if markdown else title] + [""] * (len(HEADERS) - 1))
        name = claim_name(result) if markdown else f"· {claim_name(result)}"
        value = published(result, None if markdown else PAPER_WIDTH)
        seconds = f"{result['seconds']:.1f}" if result["seconds"] else ""
        rows.append([name, value, ours(result), result["n"] or "", verdict(result), seconds])
    return tabulate(rows, HEADERS, format, disable_numparse=True, colalign=ALIGN)


def heading(report: Mapping) -> str:
    """Return the line above the table: scale, data, device."""
    results = [*report["claims"], *report["criteria"]]
    data = sorted({f"{r['dataset']} ({r['data_fingerprint']})" for r in results if r["data_fingerprint"]})
    device = report["environment"]["device"]
    return f"lottery, scale {report['scale']}, data {', '.join(data) or 'none'}, device {device}"


def summary(report: Mapping) -> str:
    """Return the line below it, about the whole run."""
    claims = report["claims"]
    counts = Counter(result["verdict"] for result in claims)
    words = [f"{counts[name]} {name}" for name in (REPRODUCED, REFUTED, INCONCLUSIVE, SKIPPED) if counts[name]]
    analogues = sum(result["analogue"] and result["verdict"] != SKIPPED for result in claims)
    words += [f"{analogues} of them analogues"] if analogues else []
    words.append(f"{sum(map(deviates, claims))} other than expected")
    trained = f"{report['trained_steps']:,} network-steps trained in {report['seconds']:.1f} s"
    return f"{len(claims)} claims: {', '.join(words)}; {trained}"
