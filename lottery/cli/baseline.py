"""`lottery baseline`: keep what a run measured as the tables that a reviewer and `--baseline` read."""

from pathlib import Path

from lottery.claims.baselines import FOLDER, read_run, write, written


def baseline(results: Path, folder: Path | None = None) -> str:
    """Return, after writing a run's claims into the tables of a folder, a line for each table that changed."""
    report = read_run(results)
    place = folder or FOLDER / report["scale"]
    lines = [written(file, table) for file, table in write(report, lambda paper: place).items()]
    return "\n".join(lines) or f"{results} has nothing that {place} does not have"
