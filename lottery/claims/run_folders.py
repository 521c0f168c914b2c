"""Folders of runs: each run has one of its own, and `latest` leads to the last that came to its end."""

from pathlib import Path

from lottery.core.errors import LotteryError

RESULTS, MARKDOWN, MEASUREMENTS = "results.json", "results.md", "measurements.csv.gz"
PAGE = "report.html"
LATEST = "latest"


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
