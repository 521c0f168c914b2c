"""Figures that compare arms round by round: tickets and their controls, criteria, kept and pruned weights."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp, log
from statistics import fmean
from typing import Any, NamedTuple

from lottery.claims.claim import CRITERION, FROZEN, KEPT
from lottery.experiments.arms import DENSE, Arm, Iterative
from lottery.experiments.named_arms import chain, continued, one_shot, units_chain, untrained
from lottery.experiments.scales import SNAPSHOTS
from lottery.report.charts.chart import Chart, Figure
from lottery.report.charts.context import BEYOND, Context, told
from lottery.report.charts.intervals import LEFT_OUT, alike, by_seed, intervals, rounded
from lottery.report.charts.lines import line_chart
from lottery.report.curves import REINITIALISED, TICKET, Curves, Line, Round, Training, consecutive
from lottery.report.published_points import Point

CRITERIA = ("large_final", "magnitude_increase", "movement", "large_init_large_final", "large_final_same_sign",
            "large_init", "random", "large_final_diff_sign", "small_init", "small_init_small_final",
            "small_final")  # fmt: skip
UNTRAINED_CRITERIA = ("large_final_same_sign", "magnitude_increase_same_sign", "large_final", "magnitude_increase",
                      "movement", "large_init_large_final", "large_init", "random", "small_init",
                      "small_init_small_final", "small_final", "large_final_diff_sign")  # fmt: skip
SET_TO = ("constant_initial_sign", "reshuffle_initial_sign", "reinit_initial_sign", "constant", "reshuffle", "reinit")
FROZEN_AT = ("init", "variant_1", "variant_2", "variant_1_shuffled", "variant_1_reversed")
THEIRS = {CRITERION: CRITERIA, KEPT: SET_TO, FROZEN: FROZEN_AT}  # the papers', by contest
SIGNED = "large_final_same_sign, signed constants"
FRANKLE, ZHOU, PAGANINI = "Frankle & Carbin 2019", "Zhou et al. 2019", "Paganini & Forde 2020"
Values = Callable[[Round], Mapping[int, float]]
WHOLE = 100.0  # per cent
CHANCE = 10.0  # per cent, of ten classes
FEWEST = 3  # rounds that a figure needs
LEAST = 0.5  # points that a zoomed panel shows above the dense network, at least
ROOM = 1.2  # of what a zoomed panel shows above its highest line
BELOW = 2.0  # times as far down as up


class Comparison(NamedTuple):
    """Which arms a figure compares, by the figure's name for each; `place` is where it stands in the paper."""

    name: str
    title: str
    paper: str
    place: str
    arms: Mapping[str, Arm]


def trained(own: Mapping[str, Sequence[str]]) -> list[Comparison]:
    """Return the comparisons of trained arms; criteria and treatments of the user's own come first in theirs."""
    criteria, kept, pruned = (dict.fromkeys((*own.get(contest, ()), *names)) for contest, names in THEIRS.items())
    tickets = {
        "ticket": TICKET,
        "reinitialised": REINITIALISED,
        "random mask": chain("random"),
        "one-shot": one_shot("large_final"),
        "continued": continued("large_final"),
    }
    # Which of Paganini & Forde's techniques an arm is stands in `masks`, too, where their masks are compared.
    techniques = {
        "magnitude": TICKET,  # ranked as the network's paper does it: those of Paganini & Forde globally
        "magnitude, global": Arm(Iterative("large_final", "global")),
        "magnitude by layer": Arm(Iterative("large_final", "layer")),
        "L1 units": units_chain("large_final", 1.0),
        "L2 units": units_chain("large_final", 2.0),
        "random by layer": Arm(Iterative("random", "layer")),
        "random units": units_chain("random", 1.0),
    }
    return [
        Comparison("tickets", "Tickets and their controls", FRANKLE, "Figs. 1, 4, 5 and 9", tickets),
        Comparison("criteria", "Which weights are kept", ZHOU, "Fig. 3",
                   {name: chain(name) for name in criteria}),
        Comparison("kept-weights", "What kept weights are set to", ZHOU, "Fig. 4",
                   {"rewind": TICKET} | {name: chain("large_final", name) for name in kept}),
        Comparison("pruned-weights", "What pruned weights are set to", ZHOU, "Fig. 5",
                   {"zero": TICKET} | {name: chain("large_final", pruned=name) for name in pruned}),
        Comparison("techniques", "Techniques of pruning", PAGANINI, "Fig. 2", techniques),
    ]  # fmt: skip


def masked(own: Mapping[str, Sequence[str]]) -> list[Comparison]:
    """Return the comparisons of masks over weights that are never trained."""
    signed = {SIGNED: untrained("large_final_same_sign", "constant_initial_sign")}
    lengths = {f"after {count:,} iterations": untrained("large_final", after=count) for count in SNAPSHOTS}
    named = {name: untrained(name) for name in dict.fromkeys((*own.get(CRITERION, ()), *UNTRAINED_CRITERIA))}
    return [
        Comparison("supermasks", "Masks over untrained weights", ZHOU, "Fig. 6", signed | named),
        Comparison("supermasks-by-length", "Masks of shorter trainings over untrained weights", BEYOND, "",
                   lengths | {"at the end": untrained("large_final")}),
    ]  # fmt: skip


def comparisons(curves: Curves, context: Context) -> Iterator[Figure]:
    """Yield the figures of all trainings, those with most lines first."""
    trainings = sorted(curves.lines, key=lambda training: (-len(curves.lines[training]), training))
    for comparison in trained(context.own):
        for training in trainings:
            if found := _lines(curves, training, comparison):
                yield _trained_figure(comparison, training, found, curves.line(training, DENSE), context)
    for comparison in masked(context.own):
        for training in trainings:
            if found := _lines(curves, training, comparison):
                yield _masked_figure(comparison, training, found, context)


def _lines(curves: Curves, training: Training, comparison: Comparison) -> dict[str, Line]:
    """Return the lines of a comparison that were measured; none where they are too few or too short to compare."""
    found = {name: line for name, arm in comparison.arms.items() if (line := curves.line(training, arm))}
    counts = sorted(len(line.rounds) for line in found.values())
    return found if len(counts) > 1 and counts[-1] >= FEWEST and counts[-2] > 1 else {}


def _trained_figure(
    comparison: Comparison, training: Training, lines: Mapping[str, Line], dense: Line | None, context: Context
) -> Figure:
    """Return a figure of accuracy, of what is gained over the dense network, and of early stop relative to its."""
    network = context.network(training.network, training.dataset)
    whole = dense.rounds.get(0) if dense else None
    lineage = {name: context.lineage(comparison.paper, (line.name, training)) for name, line in lines.items()}
    slug = f"{comparison.name}-{training.slug}"
    accuracy = rows_of(lines, lambda at: at.accuracy)
    level = {"dense": fmean(alike(whole.accuracy, whole.failed).values())} if whole else {}
    where = f"{comparison.title}, {training.told}"
    y: dict[str, Any] = {"title": "test accuracy (%)", "scale": {"zero": False, **within_percent(accuracy)}}
    summary = f"{where}: test accuracy at early stop of {len(lines)} arms."
    title = "Test accuracy at early stop"
    panels = [line_chart(f"{slug}-accuracy", title, accuracy, y, summary, levels=level, lineage=lineage)]
    printed: list[Point] = []
    if whole:
        gains = rows_of(lines, lambda at: _against(at.accuracy, whole.accuracy), whole)
        points = context.published("gain", network, lines)
        panels.append(_gain_panel(slug, where, gains, points, lineage))
        speeds = rows_of(
            lines, lambda at: _against(_logs(at.iteration), _logs(whole.iteration)), whole, exponential=True
        )
        faster = context.published("speed", network, lines)
        panels.append(_speed_panel(slug, where, speeds, faster, lineage))
        printed = [*points, *faster]
    any_failed = any(at.failed for line in filter(None, [*lines.values(), dense]) for at in line.rounds.values())
    return Figure(
        slug,
        comparison.title,
        *context.place(comparison.paper, comparison.place, training),
        f"{_described(training, lines)} Bars are 90 % intervals over seeds, paired with the dense network of the same "
        f"seed where a panel is relative to it; lines join rounds that follow each other."
        f"{LEFT_OUT * any_failed}{told(printed)}",
        panels,
        context.analogue(training.network, training.dataset),
    )


def _gain_panel(slug: str, where: str, rows: list[dict], points: Sequence[Point], lineage: Mapping) -> Chart:
    """Return the zoomed panel: from a little above the highest line to twice as far below the dense network.

    Intervals that reach far above all means, as where a seed failed, are cut off.
    """
    farthest = BELOW * max([LEAST, *(row["mean"] for row in rows)])
    highs = [min(farthest, row["mean"] if row["high"] is None else row["high"]) for row in rows]
    top = ROOM * max([LEAST, *highs, *(point.y for point in points)])
    y = {"title": "minus dense, same seed (pp)", "scale": {"domain": [-BELOW * top, top], "nice": False}}
    return line_chart(
        f"{slug}-gain",
        "Gain over the dense network, zoomed",
        rows,
        y,
        f"{where}: test accuracy minus that of the dense network of the same seed, near zero.",
        levels={"dense": 0.0},
        published=_shown(points),
        lineage=lineage,
    )


def within_percent(rows: Sequence[Mapping]) -> dict[str, float]:
    """Return the ends of an axis of per cent where intervals reach beyond what can be."""
    over = any((row["high"] or 0.0) > WHOLE for row in rows)
    under = any((row["low"] or 0.0) < 0.0 for row in rows)
    return {name: end for name, end, beyond in (("domainMax", WHOLE, over), ("domainMin", 0.0, under)) if beyond}


def _speed_panel(slug: str, where: str, rows: list[dict], points: Sequence[Point], lineage: Mapping) -> Chart:
    title = "Early stop relative to the dense network's"
    axis = {"title": "early-stop iteration / dense", "format": "~g", "tickCount": 5}
    summary = f"{where}: early-stop iterations relative to the dense network's."
    return line_chart(
        f"{slug}-speed",
        title,
        rows,
        {"scale": {"type": "log", "nice": False, "padding": 8}, "axis": axis},
        summary,
        levels={"dense": 1.0},
        published=_shown(points),
        lineage=lineage,
    )


def _masked_figure(comparison: Comparison, training: Training, lines: Mapping[str, Line], context: Context) -> Figure:
    slug = f"{comparison.name}-{training.slug}"
    lineage = {name: context.lineage(comparison.paper, (line.name, training)) for name, line in lines.items()}
    panel = line_chart(
        f"{slug}-accuracy",
        "Test accuracy without any training",
        rows_of(lines, lambda at: at.accuracy),
        {"title": "test accuracy (%)"},
        f"{comparison.title}, {training.told}: test accuracy of {len(lines)} masks over initial weights.",
        levels={"chance": CHANCE},
        lineage=lineage,
    )
    return Figure(
        slug,
        comparison.title,
        *context.place(comparison.paper, comparison.place, training),
        f"{_described(training, lines)} Masks are cut at once, by the dense network at the end of its training. Bars "
        "are 90 % intervals over seeds.",
        [panel],
        context.analogue(training.network, training.dataset),
    )


def _described(training: Training, lines: Mapping[str, Line]) -> str:
    counts = [len(at.accuracy) for line in lines.values() for at in line.rounds.values()]
    seeds = f"{min(counts)} seeds" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)} seeds"
    return f"{training.told}, {seeds}."


def rows_of(
    lines: Mapping[str, Line], values: Values, whole: Round | None = None, exponential: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of a chart: the mean over seeds of what `values` takes of every round, with its interval.

    Seeds of which the network failed, or that of the `whole` beside it, are not averaged with the others. With
    `exponential` the values are logarithms of early stops, and the chart is of their exponentials.
    """
    places, samples, steps = [], [], []
    for name, line in lines.items():
        rounds = sorted(line.rounds)
        for number, stretch in zip(rounds, consecutive(rounds)):
            if values_of := values(line.rounds[number]):
                at = line.rounds[number]
                mean_of = alike(values_of, at.failed | (whole.failed if whole else set()))
                places.append((name, number, stretch, at.remaining, values_of, mean_of))
                samples.append(list(mean_of.values()))
                steps.append(at.stop_step if exponential else at.step)
    rows = []
    for (name, number, stretch, remaining, values_of, mean_of), found in zip(places, intervals(samples, steps)):
        ends = [None if end is None else rounded(exp(end)) if exponential else end for end in found]
        shown = {seed: exp(value) for seed, value in values_of.items()} if exponential else values_of
        rows.append(
            {"series": name, "round": number, "x": remaining, "stretch": stretch, "n": len(mean_of),
             "values": by_seed(shown, mean_of), **dict(zip(("mean", "low", "high"), ends))}
        )  # fmt: skip
    return rows


def _against(values: Mapping[int, float], others: Mapping[int, float]) -> dict[int, float]:
    return {seed: value - others[seed] for seed, value in values.items() if seed in others}


def _logs(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: log(value) for seed, value in values.items() if value > 0}


def _shown(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [{"x": point.x, "y": point.y, "says": point.says, "place": point.place} for point in points]
