"""`lottery compare`: what moved from one run to another, claim by claim, and what is different around them."""

import shutil
from pathlib import Path

from lottery.claims.baselines import of_scale, read, read_run
from lottery.claims.comparison import DRIFTED, comparison
from lottery.claims.results import all_results
from lottery.report.difference import difference, markdown


def compare_runs(before: Path, after: Path, for_github: bool = False) -> tuple[str, bool]:
    """Return what moved from a run, or a folder of tables, to a run, and whether anything did by more than chance.

    It is for a terminal, or in Markdown; raise where the two are of different scales.
    """
    report = read_run(after)
    found = comparison(report, of_scale(read(before), report["scale"]))
    results = {result["id"]: result for result in all_results(report)}
    drifted = any(move["state"] == DRIFTED for move in found["moves"])
    if for_github:
        return markdown(found, results), drifted
    return "\n".join(difference(found, results, shutil.get_terminal_size((100, 24)).columns)), drifted
