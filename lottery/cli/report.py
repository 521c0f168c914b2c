"""`lottery report`: a run's page anew, or its figures as pictures, from what the run has left."""

from collections.abc import Iterator
from pathlib import Path

from lottery.claims.baselines import read_run
from lottery.claims.results import all_results, in_order
from lottery.claims.run_folders import MEASUREMENTS, PAGE, run_folder
from lottery.core.errors import LotteryError
from lottery.core.paths import write_whole
from lottery.experiments import measurements
from lottery.report.figures import figures, is_shown
from lottery.report.page import page
from lottery.report.pictures import pictures
from lottery.report.remarks import all_remarks

HTML = "html"
PICTURES = "figures"  # the folder of pictures, in a run's


def report(run: Path, format: str, output: Path | None) -> Iterator[Path]:
    """Yield the files that are written of a run, which is named by its folder or a folder of runs for the latest.

    `output` is a file for a page and a folder for pictures; None: in the run's folder.
    """
    folder = run_folder(run)
    results = read_run(folder)
    file = folder / MEASUREMENTS
    drawn = figures(results, measurements.read(file, is_shown), str(file))
    try:
        yield from _written(results, drawn, folder, format, output)
    except OSError as error:
        place = output or folder
        told = f"the report cannot be written to {place} ({error.strerror or error}); name another place with --output"
        raise LotteryError(told) from None


def _written(results: dict, drawn: list, folder: Path, format: str, output: Path | None) -> Iterator[Path]:
    """Yield the files that are written of a run's results and figures."""
    if format != HTML:
        yield from pictures(drawn, output or folder / PICTURES, format)
        return
    notes = all_remarks(in_order(all_results(results)), results["remarks"])
    output = output or folder / PAGE
    if output.is_dir():
        raise LotteryError(f"{output} is a folder; name a file, such as {output / PAGE}")
    write_whole(output, page(results, drawn, notes))
    yield output
