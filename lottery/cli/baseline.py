"""`lottery baseline`: keep what a run measured as the tables that a reviewer and `--baseline` read."""

from pathlib import Path

from lottery.claims.baselines import write


def baseline(results: Path, folder: Path | None = None) -> str:
    """Return, after writing a run's claims into the tables of a folder, a line for each table."""
    lines = []
    for file, table in write(results, folder).items():
        lines.append(f"{file}: {len(table.claims)} claims, {file.stat().st_size / 1000:.1f} kB")
    return "\n".join(lines) or f"{results} has no claim to keep"
