"""Folders of runs: each run has one of its own, and `latest` leads to the last that came to its end."""

from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.core.paths import user_path

RESULTS, MARKDOWN, MEASUREMENTS = "results.json", "results.md", "measurements.csv.gz"
PAGE = "report.html"
LATEST = "latest"
ALL_RUNS = "results"  # the folder that runs have their own in, unless --results names another


def named(text: str) -> Path:
    """Return the path that a user wrote; the bare name of a run in `results`, such as `latest`, means that run."""
    path = user_path(text)
    return path if path.exists() or len(path.parts) != 1 or not (ALL_RUNS / path).exists() else ALL_RUNS / path


def holds_runs(path: Path) -> bool:
    """Return whether a folder is a run's, or holds folders of runs."""
    return (path / RESULTS).is_file() or any(path.glob(f"*/{RESULTS}"))


def run_folder(path: Path) -> Path:
    """Return the folder of a run that a path names: itself, or the latest in it; raise where there is none."""
    if any((path / name).is_file() for name in (RESULTS, MEASUREMENTS)):
        return path
    if (path / LATEST / RESULTS).is_file():
        return path / LATEST
    runs = sorted(file.parent for file in path.glob(f"*/{RESULTS}"))  # named by their time
    if not runs:
        raise LotteryError(f"{path} has no results: lottery run makes some; or name the folder of those there are")
    return runs[-1]
