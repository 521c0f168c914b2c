"""Figures of masks: how similar every two are, beside chance, and what each layer keeps (Paganini & Forde)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from math import inf
from statistics import fmean
from typing import Any, NamedTuple

from lottery.experiments.arms import Arm, Iterative
from lottery.experiments.named_arms import chain, units_chain
from lottery.report.charts.chart import Chart, Figure, slug
from lottery.report.charts.comparisons import PAGANINI
from lottery.report.charts.context import BEYOND, Context
from lottery.report.charts.intervals import by_seed, intervals, rounded
from lottery.report.charts.lines import FIT, line_chart
from lottery.report.curves import consecutive
from lottery.report.mask_rows import Group, Mask, MaskRows, Place, Seeds

# What figures call a technique, in their order.
TECHNIQUES = {
    "magnitude": chain("large_final"),
    "magnitude by layer": Arm(Iterative("large_final", "layer")),
    "L1 units": units_chain("large_final", 1.0),
    "L2 units": units_chain("large_final", 2.0),
    "L∞ units": units_chain("large_final", inf),
    "L−∞ units": units_chain("large_final", -inf),
    "random": chain("random"),
    "random by layer": Arm(Iterative("random", "layer")),
    "random units": units_chain("random", 1.0),
}
LABELS = {arm.name: label for label, arm in TECHNIQUES.items()}
PANELS = 3  # rounds of a figure of similarities, at most
CELL = 34  # pixels
WHOLE = "network"
COLUMNS = {"row": "mask", "column": "other mask", "similarity": "Jaccard similarity", "what": "which", "n": "seeds",
           "values": "by seed"}  # fmt: skip
OF_LAYERS = {"series": "layer", "x": "round", "mean": "weights kept (%)", "low": "90 % from", "high": "to",
             "n": "seeds", "values": "by seed"}  # fmt: skip
CONSENSUS = re.compile(r"\d+ of \d+ ")  # how the name of what several masks keep begins


class Shown(NamedTuple):
    """Under which title a figure stands, of which paper it is, and where it stands there; "": it is not there."""

    title: str
    paper: str
    place: str


SURVEYED = {
    False: Shown("Density of masks by layer", PAGANINI, "section 4"),
    True: Shown("Density of consensus tickets by layer", PAGANINI, "Figs. 13 to 16"),
}


def masks(found: MaskRows, context: Context) -> Iterator[Figure]:
    """Yield the figures of similarities, a group of masks each, and one of layers for each training."""
    for number, group in enumerate(found.groups()):
        yield _similarity_figure(number, group, found, context)
    trainings = sorted({trained for trained, _ in found.surveyed})
    for trained, (consensus, shown) in product(trainings, SURVEYED.items()):
        of = [mask for where, mask in found.surveyed if where == trained and is_consensus(mask) == consensus]
        if of:
            yield Figure(
                f"layers-{'consensus-' * consensus}{slug(trained)}",
                *shown,
                f"{trained}. Per cent of each layer's weights that a mask keeps, means over seeds with 90 % intervals.",
                [_layers_panel(trained, mask, found, context) for mask in in_order(of)],
                context.analogue(network_of(trained)),
            )


def is_consensus(mask: Mask) -> bool:
    """Return whether a mask has what several others keep, and not those that were cut to as many weights."""
    return bool(CONSENSUS.match(mask.technique))


def shown_as(group: Group) -> Shown:
    """Return what a group's figure is: the paper's where it shows masks of its techniques or tasks alone."""
    arms = [mask.technique.split(", ") for mask in group.masks]
    if group.by == "task":
        return Shown(
            "Similarity of masks by task", PAGANINI, "Fig. 5" if group.shared == chain("large_final").name else ""
        )
    if not all(base in LABELS for base, *_ in arms):
        return Shown("Similarity of masks by criterion", BEYOND, "")
    changes = {word for _, *more in arms for word in more}
    if changes == {"continued"}:
        return Shown("Similarity of masks, rewound and finetuned", PAGANINI, "appendix B")
    if changes:
        return Shown("Similarity of masks by technique and order of the data", PAGANINI, "contribution 2")
    return Shown("Similarity of masks by technique", PAGANINI, "Fig. 4")


def label(technique: str) -> str:
    """Return what figures call a technique: a short name for its arm's, followed by how the arm differs from it."""
    base, *more = technique.split(", ")
    return re.sub(r"\blarge_final\b", "magnitude", ", ".join([LABELS.get(base, base), *more]))


def network_of(trained: str) -> str:
    """Return the network in what rows of masks say of their training."""
    return trained.partition(",")[0]


def in_order(masks: Iterable[Mask]) -> list[Mask]:
    """Return masks as a figure has them: those of plain techniques first, of unknown ones last, else as given."""
    known = list(LABELS)

    def place(mask: Mask) -> tuple[str, int]:
        base, _, more = mask.technique.partition(", ")
        return more, known.index(base) if base in known else len(known)

    return sorted(masks, key=place)


def spread(rounds: Sequence[int], count: int = PANELS) -> list[int]:
    """Return at most so many of the rounds, evenly spread from the first to the last."""
    if len(rounds) <= count:
        return list(rounds)
    return [rounds[round(place * (len(rounds) - 1) / (count - 1))] for place in range(count)]


def density(rounds: Mapping[int, Seeds], layers: Sequence[str]) -> dict[int, dict[int, float]]:
    """Return by round which per cent of the weights of these layers together each seed's mask keeps."""

    def share(counts: Mapping[str, Mapping[str, int]]) -> float:
        kept, weights = (sum(counts[layer][name] for layer in layers) for name in ("kept", "weights"))
        return 100 * kept / weights

    return {round: {int(seed): share(of) for seed, of in rounds[round].items()} for round in sorted(rounds)}


def _similarity_figure(number: int, group: Group, found: MaskRows, context: Context) -> Figure:
    shown = shown_as(group)
    panels = [_map(number, group, round, found, context, shown.paper) for round in spread(group.rounds)]
    return Figure(
        f"similarity-{number}-{slug(group.shared)}",
        *shown,
        f"{_shared(group)}. Shared weights of those in either mask, means over seeds: below the "
        "diagonal as measured, above it what chance in the same layers makes of masks of their sizes.",
        panels,
        context.analogue(network_of(group.trained)),
    )


def _shared(group: Group) -> str:
    """Return what trained a group's masks, and what they have in common."""
    if group.by == "task":
        return f"{group.trained}, pruned by {label(group.shared)}"
    network, _, more = group.trained.partition(", ")
    return f"{network} on {group.shared}, {more}"


def _map(number: int, group: Group, round: int, found: MaskRows, context: Context, paper: str) -> Chart:
    """Return a heat map of one round: measured below the diagonal, by chance above it."""
    masks = in_order(group.masks)
    names = [label(mask.technique) if group.by == "technique" else mask.task for mask in masks]
    rows, kept, lineage = list[dict[str, Any]](), list[float](), {}
    for first, second in combinations(range(len(masks)), 2):
        place = Place(group.trained, round, frozenset((masks[first], masks[second])))
        similar = found.similar(place)
        kept += found.kept(place)
        origin = f"{first} {second}"
        lineage[origin] = context.lineage(paper, *found.sources[place])
        rows += [
            {"row": names[row], "column": names[column], "similarity": rounded(fmean(values.values())), "what": what,
             "n": len(values), "values": by_seed(values), "from": origin, "round": round}
            for row, column, values, what in (
                (second, first, similar.measured, "measured"),
                (first, second, similar.by_chance, "by chance"),
            )
        ]  # fmt: skip
    title = f"Round {round}: {_range(kept)} % of the weights kept"
    summary = f"Similarity of {len(masks)} masks by {group.by} after round {round}, {group.trained}."
    name = f"similarity-{number}-{slug(group.shared)}-round-{round}"
    return Chart(name, title, _map_spec(names), rows, COLUMNS, summary, ("from", "round"), lineage)


def _map_spec(names: Sequence[str]) -> dict[str, Any]:
    axis = {"title": None, "labelLimit": 190, "ticks": False, "domain": False}
    place = {"type": "nominal", "sort": list(names), "scale": {"domain": list(names)}}
    shown = [{"field": field, "title": title} for field, title in COLUMNS.items() if field != "values"]
    colour = {
        "field": "similarity",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        "legend": None,
    }
    ink = {"condition": {"test": "datum.similarity > 0.55", "value": "#ffffff"}, "value": "#1a1a1a"}
    return {
        "width": "container",
        "height": CELL * len(names),
        "autosize": FIT,
        "encoding": {
            "x": {
                "field": "column",
                **place,
                "axis": {**axis, "orient": "bottom", "labelAngle": -40, "labelOverlap": False},
            },
            "y": {"field": "row", **place, "axis": axis},
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "var(--ground)", "cursor": "pointer"},
                "encoding": {"color": colour, "tooltip": shown},
            },
            {
                "mark": {"type": "text", "fontSize": 10, "cursor": "pointer"},
                "encoding": {"text": {"field": "similarity", "type": "quantitative", "format": ".2f"}, "color": ink},
            },
        ],
    }


def _layers_panel(trained: str, mask: Mask, found: MaskRows, context: Context) -> Chart:
    """Return a mask's layers, a line each and one of the network; a log axis has no place for what keeps nothing."""
    rounds = found.surveyed[trained, mask]
    counts = next(iter(next(iter(rounds.values())).values()))
    rows: list[dict[str, Any]] = []
    for series, layers in [*((layer, [layer]) for layer in counts), (WHOLE, list(counts))]:
        shares = density(rounds, layers)
        numbers = [number for number in shares if min(shares[number].values()) > 0]
        means = intervals([list(shares[number].values()) for number in numbers])
        rows += [
            {"series": series, "x": number, "stretch": stretch, "n": len(shares[number]), "round": number,
             "values": by_seed(shares[number]), **one._asdict()}
            for number, stretch, one in zip(numbers, consecutive(numbers), means)
        ]  # fmt: skip
    title = f"{label(mask.technique)} on {mask.task}"
    y = {
        "scale": {"type": "log", "nice": False, "padding": 10},
        "axis": {"title": "weights kept (%)", "format": "~g", "tickCount": 5},
    }
    x = {
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 20},
        "axis": {"title": "round", "format": "d", "tickMinStep": 1, "grid": False},
    }
    name = f"layers-{slug(trained)}-{slug(mask.technique)}-{slug(mask.task)}"
    summary = f"Weights that masks keep of each layer, round by round: {title}, {trained}."
    origin = context.lineage(PAGANINI, *found.sources[trained, mask])
    lineage = dict.fromkeys([*counts, WHOLE], origin)
    if len(rounds) == 1:
        title += f", round {next(iter(rounds))}"
        return Chart(name, title, _bars_spec(len(counts) + 1), rows, OF_LAYERS, summary, ("stretch", "round"), lineage)
    return line_chart(name, title, rows, y, summary, x, columns=OF_LAYERS, lineage=lineage)


def _bars_spec(count: int) -> dict[str, Any]:
    """Return how the layers of masks of a single round are drawn: below each other, since a line needs two rounds."""
    x = {"type": "quantitative", "scale": {"domain": [0, 100]}, "axis": {"title": "weights kept (%)"}}
    y = {"field": "series", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 190, "ticks": False}}
    shown = [{"field": field, "title": title} for field, title in OF_LAYERS.items() if field != "values"]
    bar = {"type": "bar", "color": "var(--series-1)", "height": {"band": 0.6}, "cursor": "pointer"}
    rule = {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.6}
    layers = [
        {"mark": bar, "encoding": {"x": {**x, "field": "mean"}, "tooltip": shown}},
        {"mark": rule, "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}}},
    ]
    return {"width": "container", "height": CELL * count, "autosize": FIT, "encoding": {"y": y}, "layer": layers}


def _range(values: Iterable[float]) -> str:
    """Return a number, or the lowest and the highest where they differ."""
    shown = list(dict.fromkeys(f"{value:.3g}" for value in sorted(values)))
    return shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"
