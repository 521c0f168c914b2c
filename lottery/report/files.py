"""The files that a run leaves behind, in a folder of its own: its results, a table of them, and all measurements."""

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lottery.claims.results import all_results
from lottery.claims.run_folders import LATEST, MARKDOWN, MEASUREMENTS, PAGE, RESULTS, name_of
from lottery.claims.scoreboard import boards
from lottery.core.paths import beside, write_folder, write_whole
from lottery.core.text import for_markdown
from lottery.experiments.measurements import rows_of
from lottery.experiments.scales import Scale
from lottery.report import scoreboard_table
from lottery.report.answer import INTERRUPTED
from lottery.report.figures import figures, is_shown
from lottery.report.page import page
from lottery.report.results_table import heading, summary, table
from lottery.report.screen import screen

SHOWN = 100  # columns of the answer in `results.md`


def markdown(report: Mapping, notes: Sequence[str], scale: Scale) -> str:
    """Return `results.md`: the answer that a terminal shows, then the table and all remarks."""
    everything = all_results(report)
    answer = [line.text.rstrip() for line in screen({**report, "remarks": []}, SHOWN)]
    lines = [f"# {for_markdown(heading(report))}", "", "```text", *answer, "```", ""]
    for contest, board in boards(report["scoreboard"]).items():
        lines += [f"## {scoreboard_table.TITLES[contest].capitalize()}", "", scoreboard_table.markdown(board), ""]
    lines += [table(everything, "github"), "", summary(report), ""]
    lines += [*(f"- {for_markdown(note)}" for note in notes), ""] if notes else []
    lines += [told, ""] if (told := of_scale(report, scale)) else []
    return "\n".join(lines)


def write_page(folder: Path, report: Mapping, measurements: str, notes: Sequence[str]) -> str:
    """Write a run's page beside its other files, and return nothing, or else why there is none: that fails no run."""
    try:
        rows = rows_of(measurements.split("\n"), MEASUREMENTS, is_shown)
        html = page(report, figures(report, rows, MEASUREMENTS), notes)
        write_whole(folder / PAGE, html)
    except Exception as error:  # whatever it is, the answer stands in the other files
        return f"{PAGE} was not written ({type(error).__name__}: {error}); lottery report makes it from the other files"
    return ""


def of_scale(report: Mapping, scale: Scale) -> str:
    """Return what the scale's answers are worth; nothing for networks of users, which train alike at every scale."""
    alike = report["networks"] and not any(report[name] for name in ("claims", "criteria", "treatments"))
    return "" if alike else f"scale {scale.name}: {scale.more}"


def write(root: Path, report: Mapping, measurements: str, notes: Sequence[str], scale: Scale) -> Path:
    """Return the new folder under `root` that has a run's three files.

    It is named by the time and the scale, and `latest` leads to it unless the run was interrupted.
    """
    whole = report["exit_status"] != INTERRUPTED
    name = name_of(report["started"], report["scale"], whole)
    files: dict[str, str | bytes] = {
        RESULTS: json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False) + "\n",
        MARKDOWN: markdown(report, notes, scale),
        # The same bytes for the same measurements; level 9 takes 2.7 times as long and saves a twelfth of the bytes.
        MEASUREMENTS: gzip.compress(measurements.encode(), compresslevel=6, mtime=0),
    }
    folder = write_folder(root / name, files)
    if whole:
        _lead_to(folder, root / LATEST)
    return folder


def _lead_to(folder: Path, latest: Path) -> None:
    """Let the link lead to a run. Where that is refused, no link stays that leads to another: `run_folder` needs none.

    What is there and is no link, such as a copy of a folder of runs has, is somebody's, and stays.
    """
    link = beside(latest)
    with suppress(OSError):
        link.symlink_to(folder.name, target_is_directory=True)
        os.replace(link, latest)
        return
    with suppress(OSError):
        if latest.is_symlink():
            latest.unlink()
            os.rename(link, latest)  # Windows lets no link take the place of one to a folder
    with suppress(OSError):
        link.unlink()
