"""Figures of masks: what is drawn is what the rows say; rows that are damaged are one message."""

import csv
from itertools import combinations

import pytest

from lottery.claims.mask_quantities import chance
from lottery.core.errors import LotteryError
from lottery.experiments.arms import Arm, Iterative
from lottery.experiments.experiment import experiment
from lottery.experiments.measurements import block, table
from lottery.experiments.named_arms import chain, compared, on, surveyed, units_chain
from lottery.report import mask_figures
from lottery.report.mask_rows import Mask, Place, read
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-conv-miniature", "digits", Config("sgd", 0.1, 20, 400, 200), "standard")
TRAINED = "lenet-conv-miniature, standard, 400 iterations of sgd"
TICKET = chain("large_final")
TECHNIQUES = (TICKET, Arm(Iterative("large_final", "layer")), units_chain("large_final", 2.0))
TASKS = ("digits", "digits-turned", "digits-inverted")
BY_TECHNIQUE = compared(*(on("digits", arm) for arm in TECHNIQUES))
BY_TASK = compared(*(on(task, TICKET) for task in TASKS))


def counts(seed, round):
    """Return counts of two masks by layer and in total, others for each seed and round."""
    layers = {"dense1": [10 + seed, 40 - round, 30, 100], "dense2": [5, 8, 9, 10 + round]}
    return layers | {"total": [sum(column) for column in zip(*layers.values())]}


@pytest.fixture
def folder(tmp_path):
    """Measurements of two comparisons at two rounds and of one survey at three, of two seeds."""
    blocks = []
    for seed in range(2):
        for arm in (BY_TECHNIQUE, BY_TASK):
            for round in (2, 6):
                pairs = {f"{i}, {j}": counts(seed, round) for i, j in combinations(range(3), 2)}
                blocks.append(block(experiment(SETTING, arm, round, seed), {"pairs": pairs}))
        for round in (1, 2, 3):
            layers = {name: {"kept": of[1], "weights": of[3]} for name, of in list(counts(seed, round).items())[:2]}
            blocks.append(block(experiment(SETTING, surveyed(on("digits", TICKET)), round, seed), {"survey": layers}))
    (tmp_path / "measurements.csv").write_text(table(blocks), newline="", encoding="utf-8")
    return tmp_path


def test_pairs_are_what_the_rows_say(folder):
    """Means over seeds of the similarity, and of what chance in the same layers would make of it."""
    masks = frozenset((Mask("large_final", "digits"), Mask("large_final", "digits-turned")))
    similar = read(folder / "measurements.csv").similar(Place(TRAINED, 6, masks))
    totals = [counts(seed, 6)["total"] for seed in range(2)]
    assert similar.measured == pytest.approx(sum(of[0] / (of[1] + of[2] - of[0]) for of in totals) / 2)
    assert similar.by_chance == pytest.approx(sum(chance(counts(seed, 6), by_layer=True) for seed in range(2)) / 2)
    assert similar.seeds == 2


def test_groups(folder):
    """Techniques of one task, and tasks of one technique, each at the rounds that were compared."""
    by_technique, by_task = sorted(
        read(folder / "measurements.csv").groups(), key=lambda group: group.by != "technique"
    )
    assert (by_technique.by, by_technique.shared, by_technique.rounds) == ("technique", "digits", (2, 6))
    assert [mask.technique for mask in by_technique.masks] == [arm.mask.name for arm in TECHNIQUES]
    assert (by_task.by, by_task.shared) == ("task", "large_final") and [of.task for of in by_task.masks] == list(TASKS)


def test_density(folder):
    """The share of a layer's weights that is kept, and of all, seed by seed."""
    ((_, rounds),) = read(folder / "measurements.csv").surveyed.items()
    assert mask_figures.density(rounds, ["dense1"]) == {round: [40 - round] * 2 for round in (1, 2, 3)}
    assert mask_figures.density(rounds, ["dense1", "dense2"])[2] == [pytest.approx(100 * (38 + 8) / 112)] * 2


def test_files(folder):
    """A heat map for each group, and a figure of layers; labels are short and say what a technique is."""
    pytest.importorskip("matplotlib").use("agg")
    made = mask_figures.draw(folder)
    assert len(made) == 3 and all(file.stat().st_size > 10_000 for file in made)
    assert mask_figures.label("large_final layer inputs by L2, continued") == "L2 units, continued"
    assert mask_figures.spread([*range(1, 15)]) == [1, 4, 7, 11, 14]


def test_without_masks_nothing_is_drawn(tmp_path):
    """A run of other claims has no such rows."""
    (tmp_path / "measurements.csv").write_text(table([]), encoding="utf-8")
    assert mask_figures.draw(tmp_path) == []


@pytest.mark.parametrize("change", ["a count is gone", "a count is no number", "another place"])
def test_damage_is_one_message(folder, change):
    """Rows that are missing, and values that are none: what to do is to run the benchmarks again."""
    file = folder / "measurements.csv"
    with file.open(newline="", encoding="utf-8") as content:
        head, *rows = csv.reader(content)
    metric, value = head.index("metric"), head.index("value")
    place = next(n for n, row in enumerate(rows) if row[metric].startswith("kept by both"))
    if change == "a count is gone":
        del rows[place]
    else:
        column, other = (
            (value, "many") if change == "a count is no number" else (metric, "kept by both of 0 and 9 in total")
        )
        rows[place][column] = other
    with file.open("w", newline="", encoding="utf-8") as content:
        csv.writer(content).writerows([head, *rows])
    with pytest.raises(LotteryError, match=r"measurements\.csv.*is damaged or missing; run the benchmarks again"):
        read(file)
