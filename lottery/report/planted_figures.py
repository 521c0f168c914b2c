"""Figures of searches for planted tickets, from `measurements.csv.gz`: scores by sparsity, and what rounds recover."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from lottery.claims.run_folders import MEASUREMENTS
from lottery.experiments import measurements
from lottery.experiments.arms import Dense, Train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Panels of a network's figure: title, which ticket, and the rounds of training of its searches.
PANELS = (
    ("one shot, then trained", "weak", 1),
    ("ten rounds, then trained", "weak", 10),
    ("one shot, untrained, and edge-popup", "strong", 1),
    ("ten rounds, untrained", "strong", 10),
)
METHODS = ("magnitude", "random", "snip", "grasp", "synflow", "edge-popup", "annealed edge-popup",
           "magnitude_increase", "movement", "large_final_same_sign")  # fmt: skip
COLOURS = {name: f"C{place}" for place, name in enumerate(METHODS)} | {"synflow in 100 rounds": "indigo"}
LEVELS = {
    "ticket": ("black", "--", "planted ticket"),
    "affine": ("grey", ":", "best affine"),
    "constant": ("grey", "-.", "best constant"),
}
RECOVERED = ("recall", "precision", "chance")  # measured round by round
Point = dict[str, list[float]]  # metric -> value of each seed


class Search(NamedTuple):
    """What a search is told by: `plain` if nothing but these was asked of it, and its data has the paper's noise."""

    method: str
    share: str
    rounds: int
    plain: bool
    noise: str


WHOLE = Search("whole", "", 1, True, "")
Searches = dict[Search, Point]


def read(rows: Iterable[dict[str, str]]) -> dict[str, Searches]:
    """Return what was measured of searches, by network; `rows` are those of a `measurements.csv.gz`."""
    networks: dict[str, Searches] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        if row["network"].startswith("planted-") and row["value"]:
            metric = row["metric"] + (f" {row['round']}" if row["metric"] in RECOVERED else "")
            point = networks[row["network"]][search_of(row)]
            point[metric].append(float(row["value"]))
            if metric == "strong":  # measured of every search, at the end
                point["remaining"].append(float(row["weights_remaining"]))
    return networks


def search_of(row: dict[str, str]) -> Search:
    """Return what a row of `measurements.csv.gz` says of its search."""
    method, rounds = row["criterion"].removesuffix("_init").removesuffix("_final"), int(row["rounds"] or 1)
    if row["mask"] == Dense.kind:
        method = "whole" if row["action"] == Train.kind else "edge-popup"
    if row["annealed"] == "True":
        method = f"annealed {method}"
    if rounds == 100:  # without training between them
        method, rounds = f"{method} in 100 rounds", 1
    plain = row["scope"] in ("", "global") and row["released"] != "True" and not row["noise"]
    return Search({"large": "magnitude"}.get(method, method), row["share"], rounds, plain, row["noise"])


def draw(folder: Path) -> list[Path]:
    """Draw every planted network's figures into `folder`, from the measurements there, and return their files."""
    networks = read(measurements.read(folder / MEASUREMENTS))
    made = []
    for network, searches in sorted(networks.items()):
        panels = [(title, ticket, _lines(searches, ticket, rounds)) for title, ticket, rounds in PANELS]
        panels = [panel for panel in panels if any(len(line) > 1 for line in panel[2].values())]
        if panels:
            made.append(_levels_figure(folder / f"curves-{network}.png", network, searches, panels))
        sifted = {one.method: point for one, point in searches.items() if one[1:] == ("0.01", 10, True, "")}
        if sifted:
            made.append(_recovered_figure(folder / f"curves-recovered-{network}.png", network, sifted))
    return made


def _lines(searches: Searches, ticket: str, rounds: int) -> dict[str, list[tuple[float, list[float]]]]:
    """Return each method's points (weights remaining, values of seeds), from the whole network, where all begin, on."""
    points: dict[tuple[str, str], Point] = {}
    for search, point in searches.items():
        if search.plain and search.rounds == rounds and ticket in point and search.share:
            other = points.get(search[:2], point)
            points[search[:2]] = max(other, point, key=lambda searched: len(searched[ticket]))  # that of more draws
    lines: dict[str, list] = defaultdict(list)
    for (method, _), point in points.items():
        lines[method].append((fmean(point["remaining"]), point[ticket]))
    for line in lines.values():
        line += [(100.0, searches[WHOLE][ticket])] if WHOLE in searches and ticket == "weak" else []
    return {method: sorted(lines[method], reverse=True) for method in COLOURS if method in lines}


def _levels_figure(file: Path, network: str, searches: Searches, panels: list) -> Path:
    """Draw scores against weights kept, a panel each: means of accuracies, medians of errors, bands of all draws."""
    import matplotlib.pyplot as plt

    circle, rows, columns = "circle" in network, -(-len(panels) // 2), min(2, len(panels))
    size = 5.5 * columns, 3.8 * rows
    figure, axes = plt.subplots(
        rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for axis, (title, _, lines) in zip(axes.flat, panels):
        for method, line in lines.items():
            remaining, values = zip(*line)
            middle = list(map(fmean if circle else median, values))
            axis.plot(remaining, middle, color=COLOURS[method], marker=".", label=method)
            band = list(map(min, values)), list(map(max, values))
            axis.fill_between(remaining, *band, color=COLOURS[method], alpha=0.08, linewidth=0)
        for level, (colour, style, label) in LEVELS.items():
            clean = [value for search, point in searches.items() if not search.noise for value in point.get(level, [])]
            if clean:
                axis.axhline(fmean(clean), color=colour, linestyle=style, linewidth=0.9, label=label)
        axis.set(xscale="log", xlabel="weights kept (%)", title=title, yscale="linear" if circle else "log")
        axis.set_ylabel("test accuracy (%)" if circle else "mean squared error on test data")
        axis.grid(alpha=0.3)
        axis.label_outer()
    axes[0][0].invert_xaxis()
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    shown = [axis.get_legend_handles_labels() for axis in axes.flat[: len(panels)]]
    handles = {label: handle for panel in shown for handle, label in zip(*panel)}
    figure.legend(handles.values(), handles.keys(), fontsize="small", loc="outside right upper")
    figure.suptitle(f"{network}: what searches find\nbands from the worst draw to the best", fontsize="medium")
    return _saved(figure, file)


def _recovered_figure(file: Path, network: str, sifted: dict[str, Point]) -> Path:
    """Draw recall and precision of the planted weights against the parameters left after each of ten rounds."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    shares = [100 * 0.01 ** (round / 10) for round in range(1, 11)]

    def means(method: str, metric: str) -> list[float]:
        return [100 * fmean(sifted[method][f"{metric} {round}"]) for round in range(1, 11)]

    for axis, metric in zip(axes, ("recall", "precision")):
        for method in filter(sifted.get, COLOURS):
            axis.plot(shares, means(method, metric), color=COLOURS[method], marker=".", label=method)
        axis.set(
            xscale="log", yscale="log", xlabel="parameters kept (%)", ylabel=f"{metric} of the planted weights (%)"
        )
        axis.invert_xaxis()
        axis.grid(alpha=0.3)
    for method in filter(sifted.get, COLOURS):
        axes[0].plot(shares, means(method, "chance"), color=COLOURS[method], linestyle=":", linewidth=0.9)
    axes[0].plot([], [], color="grey", linestyle=":", label="chance in the same layers")
    axes[0].legend(fontsize="small")
    kept = "how many of the planted weights ten rounds keep, and how many of the kept are planted"
    figure.suptitle(f"{network}: {kept}; means of draws")
    return _saved(figure, file)


def _saved(figure: "Figure", file: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file
