"""Figures of searches for planted tickets, drawn from `measurements.csv`: how good they are by sparsity, and what they recover by round."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

# Panels of a network's figure: title, which ticket, and whose searches, told by the rest of an arm's name after method and share.
PANELS = (
    ("one shot, then trained", "weak", ""),
    ("ten rounds, then trained", "weak", "10 rounds"),
    ("one shot, untrained, and edge-popup", "strong", ""),
    ("ten rounds, untrained", "strong", "10 rounds"),
)
METHODS = ("magnitude", "random", "snip", "grasp", "synflow", "edge-popup", "annealed edge-popup", "magnitude_increase", "movement",
           "large_final_same_sign")  # fmt: skip
COLOURS = {name: f"C{place}" for place, name in enumerate(METHODS)} | {
    "synflow in 100 rounds": "indigo"
}  # ten colours, and one more
LEVELS = {
    "ticket": ("black", "--", "planted ticket"),
    "affine": ("grey", ":", "best affine"),
    "constant": ("grey", "-.", "best constant"),
}
WHOLE = ("whole network", "", "")
Point = dict[str, list[float]]  # metric -> value of each seed
Searches = dict[tuple[str, str, str], Point]  # (method, share as written, rest of the arm's name) -> what was measured


def read(rows: Iterable[dict[str, str]]) -> dict[str, Searches]:
    """Return what was measured of searches, by network; `rows` are those of a `measurements.csv`."""
    networks: dict[str, Searches] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        if row["network"].startswith("planted-") and row["value"]:
            metric = (
                row["metric"]
                if row["metric"] not in ("recall", "precision", "chance")
                else f"{row['metric']} {row['round']}"
            )
            networks[row["network"]][split(row["arm"])][metric].append(float(row["value"]))
            if metric == "strong":  # measured of every search, at the end
                networks[row["network"]][split(row["arm"])]["remaining"].append(float(row["weights_remaining"]))
    return networks


def split(arm: str) -> tuple[str, str, str]:
    """Return method, share and the rest of an arm's name: "snip_final, 1% kept, 10 rounds" is snip, 1% kept, 10 rounds."""
    method, share, rest = (*arm.split(", ", 2), "", "")[:3]
    method = method.removesuffix("_init").removesuffix("_final")
    if rest.startswith("100 rounds"):
        method, rest = f"{method} in 100 rounds", rest.removeprefix("100 rounds").removeprefix(", ")
    return "magnitude" if method == "large" else method, share, rest


def draw(folder: Path) -> list[Path]:
    """Draw every planted network's figures into `folder`, from the measurements there, and return their files."""
    with (folder / "measurements.csv").open(newline="", encoding="utf-8") as content:
        networks = read(csv.DictReader(content))
    made = []
    for network, found in sorted(networks.items()):
        panels = [(title, ticket, _lines(found, ticket, rest)) for title, ticket, rest in PANELS]
        panels = [panel for panel in panels if any(len(line) > 1 for line in panel[2].values())]
        if panels:
            made.append(_levels_figure(folder / f"curves-{network}.png", network, found, panels))
        sifted = {
            method: point
            for (method, share, rest), point in found.items()
            if rest == "10 rounds" and share == "1% kept"
        }
        if sifted:
            made.append(_recovered_figure(folder / f"curves-recovered-{network}.png", network, sifted))
    return made


def _lines(found: Searches, ticket: str, rest: str) -> dict[str, list[tuple[float, list[float]]]]:
    """Return for each method its points (weights remaining, values of seeds), from dense to sparse; the whole network is where all begin."""
    points: dict[tuple[str, str], Point] = {}
    for (method, share, more), point in found.items():
        if more.removesuffix("untrained").rstrip(", ") == rest and ticket in point and share:
            points[method, share] = max(
                points.get((method, share), point), point, key=lambda one: len(one[ticket])
            )  # that of more draws
    lines: dict[str, list] = defaultdict(list)
    for (method, _), point in points.items():
        lines[method].append((_mean(point["remaining"]), point[ticket]))
    for line in lines.values():
        line += [(100.0, found[WHOLE][ticket])] if WHOLE in found and ticket == "weak" else []
    return {method: sorted(lines[method], reverse=True) for method in COLOURS if method in lines}


def _levels_figure(file: Path, network: str, found: Searches, panels: list) -> Path:
    """Draw scores against the weights that are kept, a panel each: means of accuracies, medians of errors, bands from worst to best."""
    import matplotlib.pyplot as plt

    circle = "circle" in network
    rows, columns = -(-len(panels) // 2), min(2, len(panels))
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(5.5 * columns, 3.8 * rows),
        squeeze=False,
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for axis, (title, _, lines) in zip(axes.flat, panels):
        for method, line in lines.items():
            remaining = [share for share, _ in line]
            axis.plot(
                remaining,
                [(_mean if circle else _median)(values) for _, values in line],
                color=COLOURS[method],
                marker=".",
                label=method,
            )
            axis.fill_between(
                remaining,
                [min(v) for _, v in line],
                [max(v) for _, v in line],
                color=COLOURS[method],
                alpha=0.08,
                linewidth=0,
            )
        for level, (colour, style, label) in LEVELS.items():
            everywhere = [
                value for (*_, rest), point in found.items() if "noise" not in rest for value in point.get(level, [])
            ]
            if not everywhere:
                continue
            axis.axhline(_mean(everywhere), color=colour, linestyle=style, linewidth=0.9, label=label)
        axis.set(xscale="log", xlabel="weights kept (%)", title=title, yscale="linear" if circle else "log")
        axis.set_ylabel("test accuracy (%)" if circle else "mean squared error on test data")
        axis.grid(alpha=0.3)
        axis.label_outer()
    axes[0][0].invert_xaxis()
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    handles = {
        label: handle for axis in axes.flat[: len(panels)] for handle, label in zip(*axis.get_legend_handles_labels())
    }
    figure.legend(handles.values(), handles.keys(), fontsize="small", loc="outside right upper")
    figure.suptitle(f"{network}: what searches find; bands from the worst draw to the best")
    return _saved(figure, file)


def _recovered_figure(file: Path, network: str, sifted: dict[str, Point]) -> Path:
    """Draw recall and precision of the planted weights against the share of parameters that is left after each of ten rounds."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    shares = [100 * 0.01 ** (round / 10) for round in range(1, 11)]
    for axis, metric in zip(axes, ("recall", "precision")):
        for method in filter(sifted.get, COLOURS):
            means = [100 * _mean(sifted[method][f"{metric} {round}"]) for round in range(1, 11)]
            axis.plot(shares, means, color=COLOURS[method], marker=".", label=method)
        axis.set(
            xscale="log", yscale="log", xlabel="parameters kept (%)", ylabel=f"{metric} of the planted weights (%)"
        )
        axis.invert_xaxis()
        axis.grid(alpha=0.3)
    for method in filter(sifted.get, COLOURS):
        chance = [100 * _mean(sifted[method][f"chance {round}"]) for round in range(1, 11)]
        axes[0].plot(shares, chance, color=COLOURS[method], linestyle=":", linewidth=0.9)
    axes[0].plot([], [], color="grey", linestyle=":", label="chance in the same layers")
    axes[0].legend(fontsize="small")
    figure.suptitle(
        f"{network}: how many of the planted weights ten rounds keep, and how many of the kept are planted; means of draws"
    )
    return _saved(figure, file)


def _saved(figure, file: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _median(values: list[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
