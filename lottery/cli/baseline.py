"""`lottery baseline`: keep what a run measured as the tables that a reviewer and `--baseline` read."""

from pathlib import Path

from lottery.claims.baselines import FOLDER, read_run, write, written
from lottery.claims.claims_folders import benchmarks_of, expected_file, holds_claims, paper_of
from lottery.core.errors import LotteryError


def baseline(results: Path, folder: Path | None = None, claims: str = "") -> str:
    """Return, after writing a run's claims into the tables of a folder, a line for each table that changed.

    That is by default the folder of the run's scale beside the entries: those of `claims`, a folder of claims, or else
    of the current folder. Where these have entries, claims of other papers are left out.
    """
    report, expected = read_run(results), _expected(claims) if claims else FOLDER.parent
    papers = {paper_of(file) for file in expected.glob("*.toml")} if claims or not folder else set()
    if papers:
        report["claims"] = [claim for claim in report["claims"] if claim["paper"] in papers]
    place = folder or expected / FOLDER.name / report["scale"]
    lines = [written(file, table) for file, table in write(report, lambda paper: place).items()]
    return "\n".join(lines) or f"{results} has nothing that {place} does not have"


def _expected(claims: str) -> Path:
    """Return the folder of entries of a folder of claims; raise where that has no claims."""
    try:
        files = benchmarks_of(Path(claims)).glob("test_*.py")
    except LotteryError as error:
        raise LotteryError(f"--claims {claims}: {error}") from None
    return next(expected_file(file).parent for file in files if holds_claims(file))
