"""Figures of searches for planted tickets: scores by sparsity, and what rounds recover (Fischer & Burkholz)."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from statistics import fmean
from typing import Any

from lottery.report.charts.chart import Chart, Figure
from lottery.report.charts.context import BEYOND, Context, told
from lottery.report.charts.intervals import by_seed, intervals, rounded
from lottery.report.charts.lines import line_chart
from lottery.report.planted_rows import WHOLE, PlantedRows, Point, Search, Searches

FISCHER = "Fischer & Burkholz 2021"
# Panels of a network's figure: name, title, which ticket, and the rounds of training of its searches.
PANELS = (
    ("one-shot-trained", "One shot, then trained", "weak", 1),
    ("ten-rounds-trained", "Ten rounds, then trained", "weak", 10),
    ("one-shot-untrained", "One shot, untrained, and edge-popup", "strong", 1),
    ("ten-rounds-untrained", "Ten rounds, untrained", "strong", 10),
)
METHODS = ("magnitude", "random", "snip", "grasp", "synflow", "edge-popup", "annealed edge-popup",
           "magnitude_increase", "movement", "large_final_same_sign", "synflow in 100 rounds")  # fmt: skip
LEVELS = {"ticket": "planted ticket", "affine": "best affine function", "constant": "best constant"}
SIFTED = ("0.01", 10, True, "")  # share, rounds and so on of the searches whose rounds are looked at
ROUNDS = range(1, 11)
COLUMNS = {"series": "method", "x": "weights kept (%)", "mean": "mean", "low": "90 % from", "high": "to", "n": "draws",
           "values": "by draw"}  # fmt: skip
BY_ROUND = {**COLUMNS, "round": "round"}
SCORES = {True: "test accuracy (%)", False: "mean squared error on test data"}


def planted(found: PlantedRows, context: Context) -> Iterator[Figure]:
    """Yield every planted network's figures: what searches find, and how much of the ticket rounds keep."""
    for network, searches in sorted(found.networks.items()):
        panels = [panel for told in PANELS if (panel := _levels_panel(network, searches, found, context, *told))]
        points = context.published("share", network, ())
        if panels:
            yield Figure(
                f"searches-{network}",
                f"What searches find in {network}",
                FISCHER,
                "Figs. 3, 4 and 6 to 8",
                "Means over draws of networks and data with 90 % intervals, of errors geometric ones. A line joins "
                f"what one method finds at the shares that were asked.{told(points)}",
                panels,
            )
        sifted = {one.method: point for one, point in searches.items() if one[1:] == SIFTED and _recovers(point)}
        if sifted:
            yield Figure(
                f"recovered-{network}",
                f"How much of the ticket planted in {network} is kept",
                BEYOND,
                "",
                "Of ten rounds of pruning: how many of the planted weights are still there, and how many of those that "
                "are there are planted. Means over draws with 90 % intervals.",
                [_recovered_panel(network, metric, sifted, found, context) for metric in ("recall", "precision")],
            )


def _recovers(point: Point) -> bool:
    return all(f"{metric} {number}" in point for metric in ("recall", "precision") for number in ROUNDS)


def _levels_panel(
    network: str,
    searches: Searches,
    found: PlantedRows,
    context: Context,
    name: str,
    title: str,
    ticket: str,
    rounds: int,
) -> Chart | None:
    """Return a panel of scores against weights kept; None where no method was asked at two shares."""
    circle = "circle" in network
    points = list(_points(searches, ticket, rounds))
    methods = [method for method in METHODS if any(one.method == method for one, _ in points)]
    if not any(sum(one.method == method for one, _ in points) > 1 for method in methods):
        return None
    samples = [point[ticket] for _, point in points]
    rows = []
    for (search, point), one in zip(points, _scores(samples, circle)):
        rows.append(
            {"series": search.method, "x": rounded(fmean(point["remaining"].values())), "stretch": 0,
             "from": _from(search), "n": len(point[ticket]), "values": by_seed(point[ticket]), **one}
        )  # fmt: skip
    if ticket == "weak" and WHOLE in searches and ticket in searches[WHOLE]:
        (one,) = _scores([searches[WHOLE][ticket]], circle)
        values = {"n": len(searches[WHOLE][ticket]), "values": by_seed(searches[WHOLE][ticket]), "from": _from(WHOLE)}
        rows += [{"series": method, "x": 100.0, "stretch": 0, **values, **one} for method in methods]
    rows.sort(key=lambda row: (METHODS.index(row["series"]), -row["x"]))
    shown = [*(one for one, _ in points), *([WHOLE] if (network, WHOLE) in found.sources else [])]
    lineage = {_from(one): context.lineage(FISCHER, found.sources[network, one]) for one in shown}
    y: dict[str, Any] = {"title": SCORES[circle], "scale": {"zero": False} if circle else {"type": "log"}}
    if not circle:
        y["axis"] = {"title": SCORES[circle], "format": "~g", "tickCount": 5}
    summary = f"{title}: scores of {', '.join(methods)} in {network} against the weights kept."
    levels = {words: level for name, words in LEVELS.items() if (level := _level(searches, name)) is not None}
    return line_chart(
        f"searches-{network}-{name}", title, rows, y, summary, levels=levels, columns=COLUMNS, lineage=lineage
    )


def _from(search: Search) -> str:
    """Return by what a search's point finds where it comes from: those of a line are searches of their own."""
    return f"{search.method} {search.share}".strip()


def _points(searches: Searches, ticket: str, rounds: int) -> Iterator[tuple[Search, Point]]:
    """Yield each method's searches at each share; of those that are told alike, the one of more draws."""
    best: dict[tuple[str, str], tuple[Search, Point]] = {}
    for search, point in searches.items():
        if search.plain and search.rounds == rounds and ticket in point and search.share and search.method in METHODS:
            other = best.get(search[:2], (search, point))
            best[search[:2]] = max(other, (search, point), key=lambda one: len(one[1][ticket]))
    yield from best.values()


def _scores(samples: Sequence[Mapping[int, float]], circle: bool) -> list[dict[str, Any]]:
    """Return means with intervals, of errors those of their logarithms."""
    if circle:
        return [one._asdict() for one in intervals([list(sample.values()) for sample in samples])]
    logs = intervals([[log(max(value, 1e-12)) for value in sample.values()] for sample in samples])
    return [{name: None if end is None else rounded(exp(end)) for name, end in one._asdict().items()} for one in logs]


def _level(searches: Searches, name: str) -> float | None:
    clean = [value for search, point in searches.items() if not search.noise for value in point.get(name, {}).values()]
    return rounded(fmean(clean)) if clean else None


def _recovered_panel(
    network: str, metric: str, sifted: Mapping[str, Point], found: PlantedRows, context: Context
) -> Chart:
    """Return the per cent that ten rounds keep of the planted weights, or that are planted of those kept."""
    methods = [method for method in METHODS if method in sifted]
    shares = {number: 100 * 0.01 ** (number / 10) for number in ROUNDS}
    wanted = [(method, metric, method) for method in methods]
    wanted += [(f"chance, {method}", "chance", method) for method in methods] if metric == "recall" else []
    rows = []
    for series, name, method in wanted:
        samples = [sifted[method][f"{name} {number}"] for number in ROUNDS]
        found_means = intervals([[100 * value for value in sample.values()] for sample in samples])
        rows += [
            {"series": series, "x": rounded(shares[number]), "stretch": 0, "n": len(sample), "round": number,
             "from": method, "values": by_seed(sample), **one._asdict()}
            for number, sample, one in zip(ROUNDS, samples, found_means)
        ]  # fmt: skip
    sources = {method: found.sources[network, Search(method, *SIFTED)] for method in methods}
    lineage = {method: context.lineage(FISCHER, source) for method, source in sources.items()}
    title = f"{metric.capitalize()} of the planted weights"
    y = {"axis": {"title": f"{metric} (%)", "format": "~g"}, "scale": {"type": "symlog", "constant": 1}}
    summary = f"{title} in {network} after each of ten rounds: {', '.join(methods)}."
    return line_chart(f"{metric}-{network}", title, rows, y, summary, columns=BY_ROUND, lineage=lineage)
