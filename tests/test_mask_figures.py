"""Figures of masks: what they show is what the masks were, and files they cannot be drawn from are one message."""

import gzip
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments.comparison_parts import shared
from lottery.experiments.experiment import experiment
from lottery.experiments.measurements import block, table
from lottery.experiments.named_arms import chain, compared, in_data_order, on, surveyed, untrained
from lottery.masks.nulls import chance_jaccard
from lottery.masks.similarity import jaccard
from lottery.models.architectures import network
from lottery.report import figures, mask_figures
from lottery.report.mask_rows import Mask, MaskRows, Place, read
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 25))
TRAINED = "lenet-96-48, 60 iterations of adam"
LAYERS = network(SETTING.network).layers
TECHNIQUES = [chain(name) for name in ("movement", "large_final", "random")]
TASKS = ("digits", "digits-turned", "digits-upended")
ROUNDS, SEEDS = (1, 4), (0, 1, 2)


def mask_of(arm, round, seed):
    """Return an arm's made-up mask, by layer: it keeps fewer weights round by round."""
    task = arm.dataset or SETTING.dataset
    draws = stream(seed, replace(arm, dataset="").name, task, round)
    return [torch.rand(layer.shape, generator=draws) < 0.8**round for layer in LAYERS]


def comparison(arms, rounds=ROUNDS, seeds=SEEDS):
    """Return the blocks of measurements of a comparison of arms."""
    blocks = []
    for round, seed in ((round, seed) for round in rounds for seed in seeds):
        masks = [mask_of(arm, round, seed) for arm in arms]
        pairs = {f"{i}, {j}": shared(LAYERS, masks[i], masks[j]) for i, j in combinations(range(len(arms)), 2)}
        blocks.append(block(experiment(SETTING, compared(*arms), round, seed), {"pairs": pairs}))
    return blocks


def survey(arm, rounds=ROUNDS, seeds=SEEDS):
    """Return the blocks of measurements of an arm's surveyed masks."""
    blocks = []
    for round, seed in ((round, seed) for round in rounds for seed in seeds):
        found = {
            layer.name: {"weights": mask.numel(), "kept": int(mask.sum()), "deviation": 0.5}
            for layer, mask in zip(LAYERS, mask_of(arm, round, seed))
        }
        blocks.append(block(experiment(SETTING, surveyed(arm), round, seed), {"survey": found}))
    return blocks


def write(folder, *blocks):
    """Write a `measurements.csv.gz` as a run does."""
    (folder / "measurements.csv.gz").write_bytes(gzip.compress(table([one for of in blocks for one in of]).encode()))
    return folder / "measurements.csv.gz"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, by the names of their files, still to be looked at."""
    pytest.importorskip("matplotlib").use("agg")
    found = {}
    monkeypatch.setattr(mask_figures, "_saved", lambda figure, file: found.setdefault(file.stem, figure) and file)
    return found


def named(drawn, start):
    """Return the one figure whose file's name starts so."""
    (figure,) = (figure for name, figure in drawn.items() if name.startswith(start))
    return figure


def ticks(axis):
    return [[tick.get_text() for tick in of] for of in (axis.get_yticklabels(), axis.get_xticklabels())]


def test_similarities_are_those_of_the_masks(tmp_path):
    """Means over seeds, measured and by chance, against the library of masks; the shares that both keep, too."""
    found = read(write(tmp_path, comparison(TECHNIQUES)))
    for round, (first, second) in ((round, pair) for round in ROUNDS for pair in combinations(TECHNIQUES, 2)):
        pairs = [(mask_of(first, round, seed), mask_of(second, round, seed)) for seed in SEEDS]
        flat = [[torch.cat([layer.flatten() for layer in mask]) for mask in pair] for pair in pairs]
        counts = [[(int(a.sum()), int(b.sum()), a.numel()) for a, b in zip(*pair)] for pair in pairs]
        place = Place(TRAINED, round, frozenset(Mask(arm.name, "digits") for arm in (first, second)))
        similar = found.similar(place)
        assert similar.measured == pytest.approx(fmean(jaccard(*pair) for pair in flat))
        assert similar.by_chance == pytest.approx(fmean(map(chance_jaccard, counts))) and similar.seeds == len(SEEDS)
        kept = [100 * fmean(pair[which].double().mean().item() for pair in flat) for which in (0, 1)]
        assert sorted(found.kept(place)) == pytest.approx(sorted(kept))


def test_groups_are_by_technique_and_by_task(tmp_path):
    """A comparison on one task, and what is of one technique in any; none of two masks, and none within another."""
    ticket, other = chain("large_final"), on("digits", chain("random"))
    tasks = [on(task, ticket) for task in TASKS]
    found = read(
        write(
            tmp_path,
            comparison([on("digits", arm) for arm in TECHNIQUES]),
            comparison(TECHNIQUES, rounds=(6,)),  # of the claim's task, which is digits
            comparison([on("digits", arm) for arm in (*TECHNIQUES, in_data_order(1, ticket))], rounds=(4,)),
            comparison([*tasks, other], rounds=(8,)),
            comparison(tasks, rounds=(1, 8)),
            comparison(tasks[:2]),
        )
    ).groups()
    shown = [(group.by, group.shared, len(group.masks), group.rounds) for group in found]
    assert sorted(shown) == [
        ("task", "large_final", 3, (1, 8)),
        ("technique", "digits", 3, (1, 4, 6)),
        ("technique", "digits", 4, (4,)),
    ]
    assert [mask.task for group in found if group.by == "task" for mask in group.masks] == list(TASKS)


MASKS = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")).map(lambda pair: Mask(*pair))
COMPARED = st.tuples(st.lists(MASKS, min_size=2, max_size=6).map(tuple), st.sets(st.integers(1, 3), min_size=1))


@given(st.lists(COMPARED, max_size=6))
def test_groups_have_nothing_but_what_was_compared(comparisons):
    """A group's masks stood in one comparison at each of its rounds, and share what it says; no group is idle."""
    found = MaskRows()
    for masks, rounds in comparisons:
        found.compared["a network", masks] |= rounds
    groups = found.groups()
    for group in groups:
        assert len(set(group.masks)) == len(group.masks) >= 3
        assert {mask.task if group.by == "technique" else mask.technique for mask in group.masks} == {group.shared}
        for round in group.rounds:
            assert any(round in rounds and set(group.masks) <= set(masks) for masks, rounds in comparisons)
        assert not any(group.within(other) for other in groups)
    wide = {
        (round, masks) for masks, rounds in comparisons for round in rounds if len({mask[1] for mask in masks}) == 1
    }
    covered = [(round, set(group.masks)) for group in groups for round in group.rounds]
    assert all(
        len(set(masks)) < 3 or any(at == round and set(masks) <= of for at, of in covered) for round, masks in wide
    )


def test_heat_maps_show_what_was_measured(tmp_path, drawn):
    """In each cell below the diagonal the number of its two masks, under the names of techniques, or of tasks."""
    tasks = [on(task, chain("large_final")) for task in TASKS]
    found = read(write(tmp_path, comparison(TECHNIQUES), comparison(tasks)))
    mask_figures.draw(tmp_path)
    names = ["large_final", "random", "movement"]  # as figures order them
    for by, masks, wanted in (
        (
            "technique-digits",
            [Mask(name, "digits") for name in names],
            [["random", "movement"], ["magnitude", "random"]],
        ),
        ("task-magnitude", [Mask("large_final", task) for task in TASKS], [list(TASKS[1:]), list(TASKS[:2])]),
    ):
        axes = named(drawn, f"masks-by-{by}").axes
        assert [ticks(axes[0])[0], ticks(axes[len(ROUNDS)])[1]] == wanted
        for place, round in enumerate(ROUNDS):
            similar = {
                (left, row - 1): found.similar(Place(TRAINED, round, frozenset((masks[left], masks[row]))))
                for left, row in combinations(range(3), 2)
            }
            for axis, number in ((axes[place], 0), (axes[place + len(ROUNDS)], 1)):
                told = {text.get_position(): text.get_text() for text in axis.texts}
                assert told == {cell: f"{one[number]:.2f}" for cell, one in similar.items()}
                picture = axis.images[0].get_array()
                assert all(picture[row, column] == one[number] for (column, row), one in similar.items())
                assert picture.count() == len(similar)


def test_layers_are_drawn_as_surveyed(tmp_path, drawn):
    """A line a layer and a dashed one of the network, means over seeds, one panel for each arm."""
    arms = [chain("large_final"), on("digits-turned", chain("random"))]
    write(tmp_path, *map(survey, arms))
    mask_figures.draw(tmp_path)
    figure = named(drawn, "masks-by-layer")
    assert [axis.get_title() for axis in figure.axes] == ["magnitude\non digits", "random\non digits-turned"]
    for axis, arm in zip(figure.axes, arms):
        lines = {line.get_label(): line for line in axis.lines}
        assert list(lines) == [*(layer.name for layer in LAYERS), "network"] and axis.get_yscale() == "log"
        for place, layer in enumerate(LAYERS):
            shares = [[mask_of(arm, round, seed)[place].double().mean().item() for seed in SEEDS] for round in ROUNDS]
            assert list(lines[layer.name].get_xdata()) == list(ROUNDS)
            assert list(lines[layer.name].get_ydata()) == pytest.approx([100 * fmean(seeds) for seeds in shares])
        whole = [
            fmean(
                torch.cat([of.flatten() for of in mask_of(arm, round, seed)]).double().mean().item() for seed in SEEDS
            )
            for round in ROUNDS
        ]
        assert list(lines["network"].get_ydata()) == pytest.approx([100 * share for share in whole])
        assert lines["network"].get_linestyle() == "--"


def test_files_are_pictures_and_told_apart(tmp_path):
    """Two comparisons on one task are two files, and `draw` of all figures returns them."""
    pytest.importorskip("matplotlib")
    orders = [in_data_order(number, chain("large_final")) for number in range(3)]
    write(tmp_path, comparison(TECHNIQUES), comparison(orders), survey(chain("random")))
    made = figures.draw(tmp_path)
    assert [file.name for file in made] == [
        "masks-by-technique-digits-lenet-96-48-60-iterations-of-adam.png",
        "masks-by-technique-digits-lenet-96-48-60-iterations-of-adam-2.png",
        "masks-by-layer-lenet-96-48-60-iterations-of-adam.png",
    ]
    assert all(file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000 for file in made)


def test_nothing_is_drawn_without_rows_of_masks(tmp_path, drawn):
    """Other rows, and comparisons of two masks, give no figure."""
    rungs = block(experiment(SETTING, untrained("large_final"), 0, 0), {"test_accuracy_start": list(range(25))})
    write(tmp_path, [rungs], comparison(TECHNIQUES[:2]))
    assert mask_figures.draw(tmp_path) == [] and not drawn and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "metric, change",
    [
        ("weights of 0 and 1 in dense1", lambda line: ""),
        ("kept by both of 1 and 2 in total", lambda line: ""),
        ("kept by both of 1 and 2 in total", lambda line: line.replace("of 1 and 2", "of 1 and 3")),
        ("kept by both of 1 and 2 in total", lambda line: line.rpartition(",")[0]),
        ("kept by both of 1 and 2 in total", lambda line: line.replace(",1,", ",one,")),
        ("kept by both of 1 and 2 in total", lambda line: line.replace("random", "random; another")),
        ("dense2 kept", lambda line: ""),
        ("dense2 kept", lambda line: line.rpartition(",")[0]),
        ("dense2 kept", lambda line: line.replace("dense2", "dense5")),
    ],
    ids=[
        "a count",
        "a total",
        "no such mask",
        "cut short",
        "no number",
        "a mask more",
        "a layer",
        "cut",
        "other layer",
    ],
)
def test_damaged_files_are_one_message(tmp_path, metric, change):
    """A row that is missing, cut short or says what cannot be is named, with what to do about it."""
    file = write(tmp_path, comparison(TECHNIQUES), survey(chain("large_final")))
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    place = next(place for place, line in enumerate(lines) if f",{metric}," in line)
    lines[place] = change(lines[place])
    file.write_bytes(gzip.compress(("\n".join(filter(None, lines)) + "\n").encode()))
    with pytest.raises(LotteryError, match="damaged.*; run the benchmarks again") as raised:
        read(file)
    assert str(file) in str(raised.value) and len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("lost", ["of 1 and 2 in total,", "of 1 and 2 in "], ids=["totals", "a pair"])
def test_what_is_gone_from_all_seeds_is_noticed(tmp_path, lost):
    """Every seed's total of two masks, or all that was counted of them."""
    file = write(tmp_path, comparison(TECHNIQUES))
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(gzip.compress(("\n".join(line for line in lines if lost not in line) + "\n").encode()))
    with pytest.raises(LotteryError, match=r"a row of \w+ and \w+ at round \d is damaged or missing"):
        read(file)


@given(st.sets(st.integers(1, 40), min_size=1), st.integers(2, 6))
@settings(deadline=None)
def test_rounds_are_spread_over_all(rounds, count):
    """So many of them at most, in their order, the first and the last among them, each once."""
    rounds = sorted(rounds)
    chosen = mask_figures.spread(rounds, count)
    assert chosen == sorted(set(chosen)) and set(chosen) <= set(rounds) and len(chosen) == min(count, len(rounds))
    assert (chosen[0], chosen[-1]) == (rounds[0], rounds[-1])


def test_techniques_keep_their_names_apart():
    """No two have one label; how an arm differs is told behind it, and a name that nobody knows stays as it is."""
    assert len(mask_figures.LABELS) == len(mask_figures.TECHNIQUES)
    assert mask_figures.label("large_final layer inputs by Linf, continued") == "L∞ units, continued"
    assert mask_figures.label("large_final_same_sign") == "large_final_same_sign"
    assert mask_figures.label("2 of 2 large_final masks (a, b)") == "2 of 2 magnitude masks (a, b)"
