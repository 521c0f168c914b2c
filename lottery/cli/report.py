"""`lottery report`: a run's page anew, from what the run has left."""

from pathlib import Path

from lottery.claims.results import all_results, in_order
from lottery.claims.run_folders import PAGE, run_folder
from lottery.cli.show import read
from lottery.core.errors import LotteryError
from lottery.core.paths import write_whole
from lottery.report.charts.forest import forest
from lottery.report.page import page
from lottery.report.remarks import levels, remarks, stand_ins


def report_page(run: Path, output: Path | None) -> Path:
    """Write the page of a run, by its folder or the latest in a folder of runs, and return its file."""
    folder = run_folder(run)
    results = read(folder)
    everything = in_order(all_results(results))
    notes = [*stand_ins(everything), *remarks(everything), *levels(everything)]
    file = output or folder / PAGE
    if file.is_dir():
        raise LotteryError(f"{file} is a folder; name a file, such as {file / PAGE}")
    write_whole(file, page(results, [forest(everything)], notes))
    return file
