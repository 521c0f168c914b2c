"""The files that a run leaves behind: `results.json`, `results.md` and `measurements.csv`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lottery.claims.results import all_results
from lottery.core.paths import write_whole
from lottery.experiments.scales import Scale
from lottery.report.results_table import heading, summary, table


def markdown(report: Mapping, notes: Sequence[str], scale: Scale) -> str:
    """Return `results.md`."""
    everything = all_results(report)
    lines = [f"# {heading(report)}", "", table(everything, "github"), "", summary(report), ""]
    lines += [*(f"- {note}" for note in notes), ""] if notes else []
    lines += [told, ""] if (told := of_scale(report, scale)) else []
    return "\n".join(lines)


def of_scale(report: Mapping, scale: Scale) -> str:
    """Return what the scale's answers are worth; nothing for networks of users, which train alike at every scale."""
    alike = report["networks"] and not report["claims"] and not report["criteria"]
    return "" if alike else f"scale {scale.name}: {scale.more}"


def write(folder: Path, report: Mapping, measurements: str, notes: Sequence[str], scale: Scale) -> None:
    """Write the three files into `folder`, each to a temporary name first."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "results.json", json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    write_whole(folder / "results.md", markdown(report, notes, scale))
    write_whole(folder / "measurements.csv", measurements)
