"""Learning curves of tickets, as Frankle & Carbin's Figs. 3 and 11 have them: validation images against iterations."""

from collections.abc import Iterator
from typing import Any

from lottery.experiments.arms import DENSE, Arm
from lottery.experiments.measurements import written
from lottery.report.charts.chart import Chart, Figure
from lottery.report.charts.comparisons import FRANKLE
from lottery.report.charts.context import Context
from lottery.report.charts.intervals import alike, by_seed, intervals
from lottery.report.charts.lines import line_chart
from lottery.report.curves import NEAR, REINITIALISED, SIZES, TICKET, Curves, Training

REINITIALISED_SIZES = (21.1,)
SHOWN = 8.0  # points below the highest accuracy that a panel shows
FEWEST = 4  # looks
FEWEST_LINES = 3
COLUMNS = {"series": "series", "x": "iteration", "mean": "mean", "low": "90 % from", "high": "to", "n": "seeds",
           "round": "round", "values": "by seed"}  # fmt: skip
PANELS = {"validation_accuracy": "validation accuracy (%)", "validation_loss": "validation loss"}


def learning(curves: Curves, context: Context) -> Iterator[Figure]:
    """Yield a figure for each training that has looks at the dense network and at tickets."""
    trainings = {training for training, *_ in curves.looks}
    for training in sorted(trainings, key=lambda one: (-len(curves.lines.get(one, {})), one)):
        panels = [panel for measure in PANELS if (panel := _panel(curves, training, measure, context))]
        if panels:
            yield Figure(
                f"learning-{training.slug}",
                "Learning curves",
                *context.place(FRANKLE, "Figs. 3 and 11", training),
                f"{training.told}. Means over seeds with 90 % intervals; per cent are of the weights that remain. The "
                "accuracies shown are those near the highest.",
                panels,
                context.analogue(training.network, training.dataset),
            )


def _wanted(curves: Curves, training: Training) -> Iterator[tuple[str, Arm, int]]:
    """Yield what there are learning curves of, with its name: the dense network, and tickets near the paper's sizes."""
    yield "dense", DENSE, 0
    for arm, sizes, words in (
        (TICKET, SIZES, "{:.1f} %"),
        (REINITIALISED, REINITIALISED_SIZES, "{:.1f} % reinitialised"),
    ):
        rounds = {
            round: share
            for (of, key, round), share in curves.remaining.items()
            if of == training and key == written(arm) and round
        }
        for size in sizes:
            near = [round for round, share in rounds.items() if abs(share - size) <= NEAR * size]
            if near:
                best = min(near, key=lambda round: abs(rounds[round] - size))
                yield words.format(rounds[best]), arm, best


def _panel(curves: Curves, training: Training, measure: str, context: Context) -> Chart | None:
    rows: list[dict] = []
    lineage = {}
    for name, arm, round in _wanted(curves, training):
        looks = curves.looks.get((training, written(arm), round, measure), {})
        if len(looks) < FEWEST:
            continue
        lineage[name] = context.lineage(FRANKLE, (arm.name, training))
        line = curves.line(training, arm)
        failed = line.rounds[round].failed if line and round in line.rounds else set()
        means = {iteration: alike(looks[iteration], failed) for iteration in sorted(looks)}
        found = intervals([list(values.values()) for values in means.values()])
        rows += [
            {"series": name, "x": iteration, "stretch": 0, "n": len(mean_of), "round": round,
             "values": by_seed(looks[iteration], mean_of), **one._asdict()}
            for (iteration, mean_of), one in zip(means.items(), found)
        ]  # fmt: skip
    if len(lineage) < FEWEST_LINES:
        return None
    y: dict[str, Any] = {"title": PANELS[measure]}
    if measure == "validation_accuracy":
        highest = max(row["mean"] for row in rows)
        y["scale"] = {"domain": [highest - SHOWN, min(100.0, highest + SHOWN / 10)], "nice": False}
    else:
        y["scale"] = {"type": "log", "nice": False}
        y["axis"] = {"title": PANELS[measure], "format": "~g", "tickCount": 5}
    x = {"type": "quantitative", "axis": {"title": "iteration", "format": "~s", "grid": False}}
    title = PANELS[measure][0].upper() + PANELS[measure][1:]
    summary = f"{title} of {training.told} against iterations: {', '.join(lineage)}."
    return line_chart(
        f"learning-{measure.replace('_', '-')}-{training.slug}",
        title,
        rows,
        y,
        summary,
        x,
        columns=COLUMNS,
        lineage=lineage,
        points=False,
    )
