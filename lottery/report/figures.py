"""All figures of a run: the forest of its estimates, and the papers' figures drawn from what was measured."""

from collections.abc import Iterable, Mapping, Sequence

from lottery.claims.results import all_results, in_order
from lottery.claims.scoreboard import boards, own_names
from lottery.experiments.arms import Compare, Survey
from lottery.report import curves, mask_rows, planted_rows
from lottery.report.charts.bars import bars
from lottery.report.charts.chart import Figure
from lottery.report.charts.comparisons import comparisons
from lottery.report.charts.context import Context
from lottery.report.charts.forest import forest
from lottery.report.charts.learning import learning
from lottery.report.charts.masks import masks
from lottery.report.charts.planted import planted

SHOWN = (",test_accuracy", ",early_stop_step,", ",kept by ", ",weights of ", " kept,", " weights,", ",planted-")


def is_shown(line: str) -> bool:
    """Return whether a line of a `measurements.csv.gz` is of what figures show; most of a run's are not."""
    if ",validation_" in line:
        return curves.is_look(line)
    return any(words in line for words in SHOWN)


def figures(report: Mapping, rows: Iterable[Mapping[str, str]], file: str) -> list[Figure]:
    """Return the figures of a run, by paper; `rows` are those of its measurements, and `file` has them.

    Raises where rows of masks are damaged or missing.
    """
    results: Sequence[Mapping] = in_order(all_results(report))
    own = {contest: own_names(board) for contest, board in boards(report["scoreboard"]).items()}
    context = Context(results, own)
    arms, searches, of_masks = curves.Curves(), planted_rows.PlantedRows(), []
    for row in rows:
        arms.add(row)
        searches.add(row)
        if row["action"] in (Compare.kind, Survey.kind):
            of_masks.append(row)
    return [
        forest(results),
        *comparisons(arms, context),
        *learning(arms, context),
        *bars(arms, context),
        *masks(mask_rows.read(of_masks, file), context),
        *planted(searches, context),
    ]
