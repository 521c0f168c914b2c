"""`lottery compare`: what moved from one run to another, claim by claim, and what is different around them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lottery.claims.baselines import of_scale, read, read_run
from lottery.claims.comparison import FAILING, checked, comparison
from lottery.claims.results import all_results
from lottery.core.errors import LotteryError
from lottery.report.difference import difference, markdown

DEFAULT = Path("results")
NOTHING_COMPARED = 5  # as pytest has it where no test was selected


def compare_runs(before: Path, after: Path | None, for_github: bool = False) -> tuple[str, int]:
    """Return what moved from a run, or a folder of tables, to a run, and the exit status.

    `after` is the latest run in DEFAULT where it is None. The text is for a terminal, or in Markdown. The status is 1
    where anything moved by more than chance or a verdict turned on the same numbers, NOTHING_COMPARED where no claim
    can be compared. Raise where the two are of different scales.
    """
    report = read_run(after) if after else _latest()
    found = comparison(report, of_scale(read(before), report["scale"], "name two runs of one scale"))
    results = {result["id"]: result for result in all_results(report)}
    if for_github:
        lines = [markdown(found, results)]
    else:
        lines = difference(found, results, shutil.get_terminal_size((100, 24)).columns)
    if checked(found["moves"]):
        return "\n".join(lines), int(any(move["state"] in FAILING for move in found["moves"]))
    lines += ["", "nothing was compared: name two runs that answered the same claims"]
    return "\n".join(lines), NOTHING_COMPARED


def _latest() -> Mapping[str, Any]:
    try:
        return read_run(DEFAULT)
    except LotteryError as error:
        raise LotteryError(f"{error}; AFTER was left out, which is the latest run in {DEFAULT} then") from None
