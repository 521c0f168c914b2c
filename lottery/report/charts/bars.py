"""Zhou et al.'s Table 1: the most accurate supermasks, by how the mask and the weights under it come about."""

from collections.abc import Iterator

from lottery.experiments.arms import DENSE, Arm
from lottery.experiments.named_arms import learned, untrained
from lottery.report.charts.chart import Chart, Figure, slug
from lottery.report.charts.comparisons import ZHOU
from lottery.report.charts.context import Context, told
from lottery.report.charts.intervals import alike, by_seed, intervals
from lottery.report.charts.lines import FIT, PRINTED
from lottery.report.curves import Curves, Line, Training

SIGNED = "constant_initial_sign"
BARS: dict[str, list[Arm]] = {
    "same sign": [untrained("large_final_same_sign")],
    "same sign, signed constants": [untrained("large_final_same_sign", SIGNED)],
    "learned": [learned()],
    "learned, signed constants": [learned(SIGNED)],
    "learned, rescaled": [learned(rescaled=True)],
    "learned, rescaled, signed constants": [learned(SIGNED, rescaled=True)],
    "trained weights": [DENSE],
}
COLUMNS = {"series": "supermask", "mean": "test accuracy (%)", "low": "90 % from", "high": "to", "n": "seeds",
           "values": "by seed", "printed": "printed", "place": "where"}  # fmt: skip
FEWEST = 3
BAR = 30  # pixels


def bars(curves: Curves, context: Context) -> Iterator[Figure]:
    """Yield a figure for each of the paper's networks of which three bars or more were measured."""
    trainings = [*curves.lines, *curves.learned]
    networks = dict.fromkeys((training.network, training.dataset) for training in trainings)
    for network, dataset in networks:
        found = {name: best for name, arms in BARS.items() if (best := _best(curves, network, dataset, arms))}
        if len(found) >= FEWEST:
            yield _figure(network, dataset, found, context)


def _best(curves: Curves, network: str, dataset: str, arms: list[Arm]) -> tuple[Training, Line] | None:
    """Return the line of the training with most seeds that has one of the arms."""
    found = [
        (training, line)
        for training in (*curves.lines, *curves.learned)
        if (training.network, training.dataset) == (network, dataset)
        for arm in arms
        if (line := curves.line(training, arm))
    ]
    return max(found, key=lambda one: max(len(at.accuracy) for at in one[1].rounds.values()), default=None)


def _figure(network: str, dataset: str, found: dict[str, tuple[Training, Line]], context: Context) -> Figure:
    paper = context.network(network, dataset)
    points = context.published("bar", paper, found)
    printed = {point.series: point for point in points}
    samples = {name: _highest(line) for name, (_, line) in found.items()}
    means = {name: alike(samples[name], _failed(line)) for name, (_, line) in found.items()}
    steps = [max(at.step for at in line.rounds.values()) for _, line in found.values()]
    rows = [
        {"series": name, **interval._asdict(), "n": len(means[name]),
         "values": by_seed(samples[name], means[name]),
         "printed": printed[name].y if name in printed else None,
         "place": printed[name].place if name in printed else None}
        for name, interval in zip(samples, intervals([list(one.values()) for one in means.values()], steps))
    ]  # fmt: skip
    lineage = {name: context.lineage(ZHOU, (line.name, training)) for name, (training, line) in found.items()}
    name = f"table-1-{slug(f'{network} {dataset}')}"
    panel = Chart(
        name,
        "Test accuracy of the best supermask",
        _spec(len(rows)),
        rows,
        COLUMNS,
        f"Bars of the best supermasks of {network} on {dataset}: {len(rows)} ways to make one.",
        lineage=lineage,
    )
    caption = (
        f"{network} on {dataset}. Of masks at several sizes each seed's best counts, as in the paper; lines are 90 % "
    )
    caption += f"intervals over seeds.{told(points)}"
    analogue = context.analogue(network, dataset)
    return Figure(name, "Supermasks", ZHOU, "Table 1", caption, [panel], analogue, "one")


def _highest(line: Line) -> dict[int, float]:
    """Return each seed's highest accuracy over all rounds."""
    best: dict[int, float] = {}
    for at in line.rounds.values():
        for seed, value in at.accuracy.items():
            best[seed] = max(value, best.get(seed, value))
    return best


def _failed(line: Line) -> set[int]:
    """Return the seeds whose network failed in all rounds: else the highest accuracy is of one that did not."""
    sound = {seed for at in line.rounds.values() for seed in at.accuracy if seed not in at.failed}
    return {seed for at in line.rounds.values() for seed in at.accuracy} - sound


def _spec(count: int) -> dict:
    x = {"type": "quantitative", "scale": {"domain": [0, 100]}, "axis": {"title": "test accuracy (%)"}}
    shown = [{"field": field, "title": label} for field, label in COLUMNS.items() if field != "values"]
    layers = [
        {"mark": {"type": "bar", "color": "var(--series-1)", "height": {"band": 0.6}, "cursor": "pointer"},
         "encoding": {"x": {**x, "field": "mean"}, "tooltip": shown}},
        {"mark": {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.6},
         "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}}},
        {"transform": [{"filter": "isValid(datum.printed)"}],
         "mark": PRINTED,
         "encoding": {"x": {**x, "field": "printed"}, "tooltip": shown}},
        {"mark": {"type": "text", "align": "left", "dx": 10, "color": "var(--ink)", "fontSize": 11},
         "encoding": {"x": {**x, "field": "high"}, "text": {"field": "mean", "format": ".1f"}}},
    ]  # fmt: skip
    y = {"field": "series", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 260, "ticks": False}}
    return {"width": "container", "height": BAR * count, "autosize": FIT, "encoding": {"y": y}, "layer": layers}
