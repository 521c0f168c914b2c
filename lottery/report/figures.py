"""The papers' figures, redrawn from `measurements.csv.gz`: accuracy and early stop against the weights that remain."""

from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from lottery.claims.run_folders import MEASUREMENTS, run_folder
from lottery.core.errors import LotteryError
from lottery.experiments import measurements
from lottery.experiments.arms import DENSE, Evaluate
from lottery.experiments.measurements import ARM, written
from lottery.experiments.named_arms import branch, chain, continued, one_shot, untrained
from lottery.experiments.scales import SNAPSHOTS
from lottery.report import mask_figures, planted_figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CRITERIA = ("large_final", "magnitude_increase", "movement", "large_init_large_final", "large_final_same_sign",
            "large_init", "random", "large_final_diff_sign", "small_init", "small_init_small_final",
            "small_final")  # fmt: skip
UNTRAINED_CRITERIA = ("large_final_same_sign", "magnitude_increase_same_sign", "large_final", "magnitude_increase",
                      "movement", "large_init_large_final", "large_init", "random", "small_init",
                      "small_init_small_final", "small_final", "large_final_diff_sign")  # fmt: skip
KEPT = ("constant_initial_sign", "reshuffle_initial_sign", "reinit_initial_sign", "constant", "reshuffle", "reinit")
PRUNED = ("init", "variant_1", "variant_2", "variant_1_shuffled", "variant_1_reversed")

TICKET = chain("large_final")
# What each figure compares, by the figure's name for it.
TRAINED = {
    "tickets": {
        "ticket": TICKET,
        "reinitialised": branch("large_final", "reinit"),
        "random mask": chain("random"),
        "one-shot": one_shot("large_final"),
        "continued": continued("large_final"),
    },
    "criteria": {name: chain(name) for name in CRITERIA},
    "kept-weights": {"rewind": TICKET} | {name: chain("large_final", name) for name in KEPT},
    "pruned-weights": {"zero": TICKET} | {name: chain("large_final", pruned=name) for name in PRUNED},
}
SIGNED = {"large_final_same_sign, signed constants": untrained("large_final_same_sign", "constant_initial_sign")}
UNTRAINED = {
    "supermasks": SIGNED | {name: untrained(name) for name in UNTRAINED_CRITERIA},
    "supermasks-by-length": {
        **{f"large_final after {iterations:,} iterations": untrained("large_final", after=iterations)
           for iterations in SNAPSHOTS},
        "large_final at the end": untrained("large_final"),
    },
}  # fmt: skip
TICKS = (100, 51.3, 21.1, 7.0, 3.6, 1.9, 0.5)  # per cent of the weights
CHANCE = 10.0  # per cent, of ten classes
Written = tuple[str, ...]  # an arm's columns
Line = dict[float, list[tuple[float, float]]]  # weights remaining -> (accuracy, early-stop iteration) of each seed


def read(file: Path) -> dict[tuple[str, Written], Line]:
    """Return the lines in a `measurements.csv.gz`: by what was trained and by arm, as it is written there."""
    lines: dict[tuple[str, Written], Line] = defaultdict(lambda: defaultdict(list))
    for row in measurements.read(file):
        metric = "test_accuracy" if row["action"] == Evaluate.kind else "test_accuracy_early_stop"
        if row["value"] and row["weights_remaining"] and row["metric"] == metric:
            length = f"{int(row['iterations']):,} iterations of {row['optimiser']}"
            arm = tuple(row[column] for column in ARM)
            line = lines[f"{row['network']}, {row['dataset']}, {length}", arm]
            line[float(row["weights_remaining"])].append((float(row["value"]), float(row["iteration"])))
    return lines


def draw(results: Path) -> list[Path]:
    """Return the figures that are drawn of a run, into its folder; `results` is that or one that has the latest."""
    try:
        import matplotlib

        matplotlib.use("agg")
    except ImportError:
        raise LotteryError(
            "figures need matplotlib: pip install matplotlib, or install this project with its extra `figures`"
        ) from None
    folder = run_folder(results)
    lines, made = read(folder / MEASUREMENTS), list[Path]()
    for where in sorted({where for where, _ in lines}):
        dense = lines.get((where, written(DENSE)), {})
        for name, arms in (TRAINED | UNTRAINED).items():
            shown = {label: lines[where, written(arm)] for label, arm in arms.items() if (where, written(arm)) in lines}
            if len(shown) > 1:
                words = where.replace(",", "").split()
                file = folder / f"curves-{name}-{'-'.join([*words[:3], words[-1]])}.png"
                _figure(file, f"{name.replace('-', ' ')}: {where}", shown, dense, trained=name in TRAINED)
                made.append(file)
    return made + planted_figures.draw(folder) + mask_figures.draw(folder)


def _figure(file: Path, title: str, lines: dict[str, Line], dense: Line, trained: bool) -> None:
    """Draw accuracy, and early stop of trained arms, against weights remaining: means of seeds, bands of all."""
    import matplotlib.pyplot as plt

    columns, size = (2, (13, 5)) if trained else (1, (8, 5))
    figure, axes = plt.subplots(1, columns, squeeze=False, figsize=size, layout="constrained")
    labels = [f"test accuracy{' at early stop' if trained else ', untrained'} (%)", "early-stop iteration"]
    ticks = [tick for tick in TICKS if tick >= 0.9 * min(min(line) for line in lines.values())]
    for place, (axis, label) in enumerate(zip(axes[0], labels)):
        for number, (name, line) in enumerate(lines.items()):
            _line(axis, f"C{number % 10}", name, {**dense, **line} if trained else line, place, dashed=number > 9)
        if not trained:
            axis.axhline(CHANCE, color="grey", linestyle=":", label="chance")
        elif 100.0 in dense:
            level = fmean([seed[place] for seed in dense[100.0]])
            axis.axhline(level, color="black", linewidth=0.8, linestyle="--", label="dense")
        axis.set(xscale="log", xlabel="weights remaining (%)", ylabel=label)
        axis.invert_xaxis()
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize="small")
    figure.suptitle(title)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _line(axis: "Axes", colour: str, name: str, line: Line, place: int, dashed: bool) -> None:
    remaining = sorted(line, reverse=True)
    values = [[seed[place] for seed in line[share]] for share in remaining]
    means, style = list(map(fmean, values)), "--" if dashed else "-"
    axis.plot(remaining, means, color=colour, marker=".", label=name, linestyle=style)
    axis.fill_between(remaining, list(map(min, values)), list(map(max, values)), color=colour, alpha=0.08, linewidth=0)
