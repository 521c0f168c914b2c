"""Folders of runs: each run has one of its own, and `latest` leads to the last that came to its end."""

import json
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path

RESULTS, MARKDOWN, MEASUREMENTS = "results.json", "results.md", "measurements.csv.gz"
PAGE = "report.html"
LATEST = "latest"
ALL_RUNS = "results"  # the folder that runs have their own in, unless --results names another
BROKEN_OFF = "-interrupted"  # the end of the name of a run's folder that did not come to its end
TIME = "%Y-%m-%d-%H%M%S"  # with which the name begins


def name_of(started: str, scale: str, whole: bool) -> str:
    """Return the name of a run's folder: by its time here, its scale, and whether it came to its end."""
    return f"{datetime.fromisoformat(started).astimezone():{TIME}}-{scale}" + BROKEN_OFF * (not whole)


def named(text: str) -> Path:
    """Return the path that a user wrote; the bare name of a run in `results`, such as `latest`, means that run.

    A `latest` that is no link leads nowhere and may be old: the folder of all runs stands for it.
    """
    path = user_path(text)
    if path.exists() or len(path.parts) != 1 or not (ALL_RUNS / path).exists():
        return path
    return Path(ALL_RUNS) if path.name == LATEST and not (ALL_RUNS / path).is_symlink() else ALL_RUNS / path


def holds_runs(path: Path) -> bool:
    """Return whether a folder is a run's, or holds folders of runs."""
    return (path / RESULTS).is_file() or any(path.glob(f"*/{RESULTS}"))


def run_folder(path: Path) -> Path:
    """Return the folder of a run that a path names: itself, or the latest in it; raise where there is none."""
    if any((path / name).is_file() for name in (RESULTS, MEASUREMENTS)):
        return path
    if (path / LATEST).is_symlink() and (path / LATEST / RESULTS).is_file():
        return path / LATEST
    if runs := runs_in(path):
        return runs[0]
    raise LotteryError(f"{path} has no results: lottery run makes some; or name the folder of those there are")


def runs_in(path: Path) -> list[Path]:
    """Return the folders of the runs in a folder, the latest first, and behind them those that were interrupted.

    A link is none of them: it leads to one.
    """
    found = (file.parent for file in path.glob(f"*/{RESULTS}"))
    return sorted((run for run in found if not run.is_symlink()), key=_age, reverse=True)


def _age(run: Path) -> tuple[bool, str]:
    """Return by what the latest of several runs is the last: whether it came to its end, and when it began."""
    name = run.name
    if not re.match(r"\d{4}-\d\d-\d\d-\d{6}-", name):  # a copy by another name, such as one of `latest`
        name = ""  # whatever cannot be read is not the latest
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            report = json.loads((run / RESULTS).read_text(encoding="utf-8"))
            name = name_of(report["started"], str(report["scale"]), whole=True)
    return not run.name.endswith(BROKEN_OFF), name
