"""Figures of masks, from `measurements.csv.gz`: how similar every two are, beside chance, and what each layer keeps."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import inf, nan
from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import TYPE_CHECKING

from lottery.claims.run_folders import MEASUREMENTS
from lottery.experiments.arms import Arm, Iterative
from lottery.experiments.named_arms import chain, units_chain
from lottery.report.mask_rows import Group, Mask, MaskRows, Place, Seeds, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

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
PANELS = 5  # rounds of a figure of similarities, at most
COLUMNS = 4  # panels of layers beside each other
CELL = 0.44  # inches
Cells = Mapping[tuple[int, int], float]  # (row, column) -> number


def draw(folder: Path) -> list[Path]:
    """Draw every figure of masks that a results folder has measurements for into it, and return their files."""
    found, names, made = read(folder / MEASUREMENTS), Counter[str](), list[Path]()
    for group in found.groups():
        name = _slug(f"masks by {group.by} {label(group.shared)} {group.trained}")
        names[name] += 1  # several groups can have a task in common
        file = folder / f"{name}{f'-{names[name]}' if names[name] > 1 else ''}.png"
        made.append(_similarity_figure(file, group, found))
    for trained in sorted({trained for trained, _ in found.surveyed}):
        panels = {mask: rounds for (where, mask), rounds in found.surveyed.items() if where == trained}
        made.append(_layers_figure(folder / f"{_slug(f'masks by layer {trained}')}.png", trained, panels))
    return made


def label(technique: str) -> str:
    """Return what figures call a technique: a short name for its arm's, followed by how the arm differs from it."""
    base, *more = technique.split(", ")
    return re.sub(r"\blarge_final\b", "magnitude", ", ".join([LABELS.get(base, base), *more]))


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


def density(rounds: Mapping[int, Seeds], layers: Sequence[str]) -> dict[int, list[float]]:
    """Return by round which per cent of the weights of these layers together each seed's mask keeps."""

    def share(counts: Mapping[str, Mapping[str, int]]) -> float:
        kept, weights = (sum(counts[layer][name] for layer in layers) for name in ("kept", "weights"))
        return 100 * kept / weights

    return {round: [share(counts) for counts in rounds[round].values()] for round in sorted(rounds)}


def _similarity_figure(file: Path, group: Group, found: MaskRows) -> Path:
    """Draw a group's similarities as heat maps, a column for each round: as measured above, by chance below."""
    import matplotlib.pyplot as plt

    masks, rounds, seeds = in_order(group.masks), spread(group.rounds), set[int]()
    names = [label(mask.technique).replace(", ", "\n") if group.by == "technique" else mask.task for mask in masks]
    side = CELL * (len(masks) - 1)
    size = max(6.0, side * len(rounds) + 3.5), 2 * side + 2.4
    figure, axes = plt.subplots(
        2, len(rounds), squeeze=False, sharex=True, sharey=True, figsize=size, layout="constrained"
    )
    for column, round in zip(axes.T, rounds):
        pairs = {cell: [masks[place] for place in cell] for cell in combinations(range(len(masks)), 2)}
        places = {(row, left): Place(group.trained, round, frozenset(pair)) for (left, row), pair in pairs.items()}
        similar = {cell: found.similar(place) for cell, place in places.items()}
        seeds |= {one.seeds for one in similar.values()}
        _heat_map(column[0], {cell: one.measured for cell, one in similar.items()}, names)
        picture = _heat_map(column[1], {cell: one.by_chance for cell, one in similar.items()}, names)
        kept = [share for place in places.values() for share in found.kept(place)]
        column[0].set_title(f"round {round}\n{_range(kept)}% kept", fontsize="small")
    axes[0][0].set_ylabel("measured")
    axes[1][0].set_ylabel("by chance in\nthe same layers")
    figure.colorbar(picture, ax=axes, shrink=0.7, label="Jaccard similarity")
    what = f"similarity of masks by {group.by}: {label(group.shared)}, means of {_range(seeds)} seeds"
    figure.suptitle(f"{what}\n{group.trained}", fontsize="medium")
    return _saved(figure, file)


def _heat_map(axis: "Axes", cells: Cells, names: Sequence[str]) -> "AxesImage":
    """Draw each two's number below the diagonal, the only place for it: what is equal to itself is left out."""
    last = len(names) - 1
    numbers = [[cells.get((row, column), nan) for column in range(last)] for row in range(1, last + 1)]
    picture = axis.imshow(numbers, vmin=0, vmax=1, cmap="viridis")
    for (row, column), value in cells.items():
        colour = "black" if value > 0.6 else "white"
        axis.text(column, row - 1, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)
    axis.set_xticks(range(last), names[:-1], rotation=90, fontsize="small")
    axis.set_yticks(range(last), names[1:], fontsize="small")
    axis.spines[:].set_visible(False)
    axis.label_outer()
    return picture


def _layers_figure(file: Path, trained: str, panels: Mapping[Mask, Mapping[int, Seeds]]) -> Path:
    """Draw the share of each layer's weights that masks keep against rounds, a panel for each arm and its data set."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = 3.1 * columns + 1.6, 3.1 * rows + 0.6
    figure, axes = plt.subplots(
        rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for axis, mask in zip(axes.flat, in_order(panels)):
        _layers(axis, panels[mask])
        axis.set(yscale="log", xlabel="round", ylabel="weights kept (%)")
        axis.set_title(fill(label(mask.technique), 44, break_on_hyphens=False) + f"\non {mask.task}", fontsize="small")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.grid(alpha=0.3)
        axis.label_outer()
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    figure.legend(*axes[0][0].get_legend_handles_labels(), fontsize="small", loc="outside right upper")
    figure.suptitle(f"density of masks by layer: {trained}\nmeans of seeds, bands of all", fontsize="medium")
    return _saved(figure, file)


def _layers(axis: "Axes", rounds: Mapping[int, Seeds]) -> None:
    """Draw a line for each layer and one for the network; where nothing is kept, a log axis has no place for it."""
    layers = list(next(iter(next(iter(rounds.values())).values())))
    for number, layer in enumerate(layers):
        line = density(rounds, [layer])
        colour, style = f"C{number % 10}", "--" if number > 9 else "-"
        axis.plot(list(line), list(map(fmean, line.values())), color=colour, linestyle=style, marker=".", label=layer)
        band = list(map(min, line.values())), list(map(max, line.values()))
        axis.fill_between(list(line), *band, color=colour, alpha=0.08, linewidth=0)
    line = density(rounds, layers)
    means = list(map(fmean, line.values()))
    axis.plot(list(line), means, color="black", linewidth=0.9, linestyle="--", marker=".", label="network")


def _range(values: Iterable[float]) -> str:
    """Return the smallest and the largest number in words, as one if they look alike."""
    return " to ".join(dict.fromkeys(f"{value:.3g}" for value in (min(values), max(values))))


def _slug(words: str) -> str:
    return re.sub(r"[^\w.]+", "-", words.replace("∞", "inf").replace("−", "minus ")).strip("-")


def _saved(figure: "Figure", file: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.savefig(file, dpi=120)
    plt.close(figure)
    return file
