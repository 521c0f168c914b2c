"""Curves: the papers' figures, redrawn from `measurements.csv`: accuracy and early stop against the weights that remain."""

import csv
from collections import defaultdict
from pathlib import Path

from lottery.core.errors import LotteryError
from lottery.experiments.measurements import COLUMNS
from lottery.report import planted_figures

# What each figure compares: the arms' names in measurements.csv, and how the figure calls them.
TRAINED = {
    "tickets": {
        "large_final rewind": "ticket", "large_final reinit branch": "reinitialised", "random rewind": "random mask",
        "large_final rewind one-shot": "one-shot", "large_final continued": "continued",
    },
    "criteria": {
        f"{name} rewind": name
        for name in ("large_final", "magnitude_increase", "movement", "large_init_large_final", "large_final_same_sign", "large_init", "random",
                     "large_final_diff_sign", "small_init", "small_init_small_final", "small_final")
    },
    "kept-weights": {
        "large_final rewind": "rewind", **{f"large_final {name}": name for name in ("constant_initial_sign", "reshuffle_initial_sign",
                                                                                    "reinit_initial_sign", "constant", "reshuffle", "reinit")},
    },
    "pruned-weights": {
        "large_final rewind": "zero", **{f"large_final rewind pruned at {name}": name for name in ("init", "variant_1", "variant_2",
                                                                                                   "variant_1_shuffled", "variant_1_reversed")},
    },
}  # fmt: skip
UNTRAINED = {
    "supermasks": {
        "large_final_same_sign constant_initial_sign untrained": "large_final_same_sign, signed constants",
        **{f"{name} rewind untrained": name for name in ("large_final_same_sign", "magnitude_increase_same_sign", "large_final", "magnitude_increase",
                                                         "movement", "large_init_large_final", "large_init", "random", "small_init",
                                                         "small_init_small_final", "small_final", "large_final_diff_sign")},
    }
}  # fmt: skip
CHANCE = 10.0  # per cent, of ten classes
Line = dict[float, list[tuple[float, float]]]  # weights remaining -> (accuracy, early-stop iteration) of each seed


def read(file: Path) -> dict[tuple[str, str], Line]:
    """Return the lines in a `measurements.csv`: by what was trained and by arm."""
    lines: dict[tuple[str, str], Line] = defaultdict(lambda: defaultdict(list))
    try:
        with file.open(newline="", encoding="utf-8") as content:
            rows = csv.DictReader(content)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise LotteryError(
                    f"{file} is not a measurements.csv of this suite: its columns should be {', '.join(COLUMNS)}"
                )
            for row in rows:
                untrained = row["arm"].endswith(" untrained") and row["metric"] == "test_accuracy"
                if (untrained or row["metric"] == "test_accuracy_early_stop") and row["value"]:
                    where = f"{row['network']}, {row['dataset']}, {int(row['iterations']):,} iterations of {row['optimiser']}"
                    lines[where, row["arm"]][float(row["weights_remaining"])].append(
                        (float(row["value"]), float(row["iteration"]))
                    )
    except OSError as error:
        raise LotteryError(
            f"{file} cannot be read ({error.strerror}); run the benchmarks first, or name the folder of their results"
        ) from None
    return lines


def draw(folder: Path) -> list[Path]:
    """Draw every figure that a results folder has lines for into it, and return their files."""
    try:
        import matplotlib

        matplotlib.use("agg")
    except ImportError:
        raise LotteryError(
            "figures need matplotlib: pip install matplotlib, or install this project with its extra `figures`"
        ) from None
    lines, made = read(folder / "measurements.csv"), []
    for where in sorted({where for where, _ in lines}):
        dense = lines.get((where, "dense"), {})
        for name, arms in (TRAINED | UNTRAINED).items():
            found = {label: lines[where, arm] for arm, label in arms.items() if (where, arm) in lines}
            if len(found) > 1:
                words = where.replace(",", "").split()
                file = folder / f"curves-{name}-{'-'.join([*words[:3], words[-1]])}.png"
                _figure(file, f"{name.replace('-', ' ')}: {where}", found, dense, trained=name in TRAINED)
                made.append(file)
    return made + planted_figures.draw(folder)


def _figure(file: Path, title: str, lines: dict[str, Line], dense: Line, trained: bool) -> None:
    """Draw accuracy, and for trained arms early stop, against weights remaining: means over seeds, bands from the lowest seed to the highest."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 2 if trained else 1, figsize=(13 if trained else 8, 5), squeeze=False, layout="constrained"
    )
    panels = [(axes[0][0], 0, "test accuracy" + (" at early stop" if trained else ", untrained") + " (%)")]
    panels += [(axes[0][1], 1, "early-stop iteration")] if trained else []
    for axis, place, label in panels:
        for number, (name, line) in enumerate(lines.items()):
            _line(axis, f"C{number % 10}", name, {**dense, **line} if trained else line, place, dashed=number > 9)
        if place == 0 and not trained:
            axis.axhline(CHANCE, color="grey", linestyle=":", label="chance")
        if trained and 100.0 in dense:
            axis.axhline(
                _mean([seed[place] for seed in dense[100.0]]),
                color="black",
                linewidth=0.8,
                linestyle="--",
                label="dense",
            )
        axis.set(xscale="log", xlabel="weights remaining (%)", ylabel=label)
        axis.invert_xaxis()
        ticks = [
            tick
            for tick in (100, 51.3, 21.1, 7.0, 3.6, 1.9, 0.5)
            if tick >= min(min(line) for line in lines.values()) * 0.9
        ]
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize="small")
    figure.suptitle(title)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _line(axis, colour: str, name: str, line: Line, place: int, dashed: bool) -> None:
    remaining = sorted(line, reverse=True)
    values = [[seed[place] for seed in line[share]] for share in remaining]
    axis.plot(
        remaining, list(map(_mean, values)), color=colour, marker=".", label=name, linestyle="--" if dashed else "-"
    )
    axis.fill_between(remaining, list(map(min, values)), list(map(max, values)), color=colour, alpha=0.08, linewidth=0)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
