"""What a run leaves behind: the table, `results.json`, `results.md` and `measurements.csv`."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from lottery.claims.judging import deviates
from lottery.claims.statistics import INCONCLUSIVE, REFUTED, REPRODUCED, SKIPPED
from lottery.experiments.measurements import COLUMNS
from lottery.experiments.scales import Scale

LAST = ("lottery2026", "negative_controls", "own_criterion")  # after the papers
PAPER_WIDTH = 16  # characters of the paper's value in a terminal
HEADERS = ("claim", "paper", "ours", "n", "verdict", "s")


def in_order(results: Sequence[Mapping]) -> list[Mapping]:
    """Return results by paper, group of claims, number and id: the same order however the tests ran."""

    def position(result: Mapping) -> tuple:
        digits = "".join(character for character in result["number"] if character.isdigit())
        group = result["number"][:1] if result["number"][:1].isalpha() else ""  # S of S1: claims that belong together
        after = LAST.index(result["paper"]) if result["paper"] in LAST else -1
        return after, result["paper"], group, int(digits or 0), result["id"]

    return sorted(results, key=position)


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
    """Return the paper's value, or a dash where it prints none; a question mark where it, or the claim, is not known for certain."""
    one, mark = result["published"], " ?" if result["doubt"] else ""
    value = "-" if not one else one["value"] if isinstance(one["value"], str) else f"{one['value']:g} {one['unit']}"
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
    """Return the results table in one of tabulate's formats, grouped by paper."""
    markdown = format == "github"
    rows, paper = [], None
    for result in in_order(results):
        if result["paper"] != paper:
            paper = result["paper"]
            title = result["title"]
            rows.append([f"**{title}**" if markdown else title] + [""] * (len(HEADERS) - 1))
        name = claim_name(result) if markdown else f"· {claim_name(result)}"
        value = published(result, None if markdown else PAPER_WIDTH)
        seconds = f"{result['seconds']:.1f}" if result["seconds"] else ""
        rows.append([name, value, ours(result), result["n"] or "", verdict(result), seconds])
    return tabulate(
        rows, HEADERS, format, disable_numparse=True, colalign=("left", "left", "left", "right", "left", "right")
    )


def remarks(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every claim that needs a word: skipped, inconclusive, refuted, or a part of a conjunction that failed."""
    lines = []
    for result in in_order(results):
        reason = result["reason"]
        if result["verdict"] == result["expected_verdict"] == REFUTED and not result["negative_control"]:
            reason = "; ".join(filter(None, [reason, result["expected_because"]]))
        open_parts = [
            part for part in result["parts"] if part["verdict"] != REPRODUCED and part["estimate"] is not None
        ]
        failed = [f"{part['name']} {part['verdict']}: {part['estimate']:+.2f}" for part in open_parts]
        reason = "; ".join(filter(None, [reason, *failed]))
        if reason:
            lines.append(f"{claim_name(result)}: {result['verdict']}: {reason}")
    return lines


def levels(results: Sequence[Mapping]) -> list[str]:
    """Return a line for every network in which tickets were sought: the scores of the planted ticket and of trivial functions."""
    found: dict[str, Mapping] = {}
    for result in results:
        for network, scores in result["levels"].items():
            found.setdefault(network, scores)
    lines = []
    for network, scores in sorted(found.items()):
        accuracy = "circle" in network
        shown = {name: f"{value:.1f} %" if accuracy else f"{value:.3g}" for name, value in scores.items()}
        what = "test accuracy" if accuracy else "mean squared error"
        lines.append(
            f"{network}: {what} of the planted ticket {shown['ticket']}, of the best constant {shown['constant']}, affine {shown['affine']}"
        )
    return lines


def summary(report: Mapping) -> str:
    """Return one line about the whole run."""
    counts = Counter(result["verdict"] for result in report["claims"])
    words = [f"{counts[name]} {name}" for name in (REPRODUCED, REFUTED, INCONCLUSIVE, SKIPPED) if counts[name]]
    analogues = sum(result["analogue"] and result["verdict"] != SKIPPED for result in report["claims"])
    words += [f"{analogues} of them analogues"] if analogues else []
    words.append(f"{sum(map(deviates, report['claims']))} other than expected")
    return f"{len(report['claims'])} claims: {', '.join(words)}; {report['trained_steps']:,} network-steps trained in {report['seconds']:.1f} s"


def plan_table(plan, workers: int) -> str:
    """Return a plan as text: a row for every claim that needs training, and what it all takes with so many workers."""
    rows, reached = [], 0.0
    for row in plan.rows:
        if row.networks:
            reached += row.seconds
            rows.append(
                [
                    row.claim,
                    row.networks,
                    f"{row.steps:,}",
                    duration(row.seconds / workers),
                    duration(reached / workers),
                ]
            )
    shown = tabulate(
        rows,
        ("claim, the cheapest first", "networks", "steps", "takes", "done after"),
        disable_numparse=True,
        stralign="right",
    )
    networks, steps = sum(row.networks for row in plan.rows), sum(row.steps for row in plan.rows)
    counted = f"{networks:,} networks to train or to evaluate, {steps:,} network-steps; {plan.stored:,} that were asked for are in the store"
    if not networks:
        return f"nothing: {counted}"
    takes = f"about {duration(plan.seconds / workers)} with {workers} workers, measured on this machine; "
    takes += f"{plan.memory / 2**20:.0f} MB a worker, torch itself not counted"
    return "\n".join([shown, "", counted, takes])


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def heading(report: Mapping) -> str:
    """Return the line above the table: scale, data, device."""
    results = [*report["claims"], *report["criteria"]]
    data = sorted({f"{r['dataset']} ({r['data_fingerprint']})" for r in results if r["data_fingerprint"]})
    return (
        f"lottery, scale {report['scale']}, data {', '.join(data) or 'none'}, device {report['environment']['device']}"
    )


def markdown(report: Mapping, notes: Sequence[str], scale: Scale) -> str:
    """Return `results.md`."""
    everything = [*report["claims"], *report["criteria"]]
    lines = [f"# {heading(report)}", "", table(everything, "github"), "", summary(report), ""]
    lines += [*(f"- {note}" for note in notes), ""] if notes else []
    return "\n".join([*lines, f"Scale {scale.name}: {scale.more}.", ""])


def write(folder: Path, report: Mapping, rows: Sequence[tuple], notes: Sequence[str], scale: Scale) -> None:
    """Write the three files into `folder`, each to a temporary name first."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "results.json", json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    _write(folder / "results.md", markdown(report, notes, scale))
    temporary = folder / "measurements.csv.part"
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    temporary.replace(folder / "measurements.csv")


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(path.suffix + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
