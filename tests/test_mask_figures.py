"""Figures of masks: what they show is what the masks were, and files they cannot be drawn from are one message."""

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
from lottery.experiments.measurements import block, rows_of, table
from lottery.experiments.named_arms import (
    chain,
    compared,
    consensus,
    continued,
    cut_to,
    in_data_order,
    on,
    surveyed,
    units_chain,
    untrained,
)
from lottery.masks.nulls import chance_jaccard
from lottery.masks.similarity import jaccard
from lottery.models.architectures import network
from lottery.report import mask_rows
from lottery.report.charts import masks as mask_charts
from lottery.report.charts.context import Context
from lottery.report.figures import is_shown
from lottery.report.mask_rows import Mask, MaskRows, Place
from lottery.training.config import Config, Setting
from tests.result_helpers import ground, result

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 25))
TRAINED = "lenet-96-48, 60 iterations of adam"
LAYERS = network(SETTING.network).layers
TECHNIQUES = [chain(name) for name in ("movement", "large_final", "random")]
TASKS = ("digits", "digits-turned", "digits-upended")
ROUNDS, SEEDS = (1, 4), (0, 1, 2)
CONTEXT = Context([result(trained_network="lenet-96-48", dataset="digits", analogue=True)])


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


def written(*blocks):
    """Return the table of measurements that a run writes."""
    return table([one for of in blocks for one in of])


def read(text):
    """Return what figures read of masks in a table."""
    return mask_rows.read(rows_of(text.split("\n"), "a file", is_shown), "a file")


def panels(text):
    """Return the panels of all figures of masks, by the beginnings of their names."""
    return {panel.name: panel for figure in mask_charts.masks(read(text), CONTEXT) for panel in figure.panels}


def test_similarities_are_those_of_the_masks():
    """Means over seeds, measured and by chance, against the library of masks; the shares that both keep, too."""
    found = read(written(comparison(TECHNIQUES)))
    for round, (first, second) in ((round, pair) for round in ROUNDS for pair in combinations(TECHNIQUES, 2)):
        pairs = [(mask_of(first, round, seed), mask_of(second, round, seed)) for seed in SEEDS]
        flat = [[torch.cat([layer.flatten() for layer in mask]) for mask in pair] for pair in pairs]
        counts = [[(int(a.sum()), int(b.sum()), a.numel()) for a, b in zip(*pair)] for pair in pairs]
        place = Place(TRAINED, round, frozenset(Mask(arm.name, "digits") for arm in (first, second)))
        similar = found.similar(place)
        assert similar.measured == pytest.approx({seed: jaccard(*pair) for seed, pair in zip(SEEDS, flat)})
        assert similar.by_chance == pytest.approx(dict(zip(SEEDS, map(chance_jaccard, counts))))
        kept = [100 * fmean(pair[which].double().mean().item() for pair in flat) for which in (0, 1)]
        assert sorted(found.kept(place)) == pytest.approx(sorted(kept))


def test_groups_are_by_technique_and_by_task():
    """A comparison on one task, and what is of one technique in any; none of two masks, and none within another."""
    ticket, other = chain("large_final"), on("digits", chain("random"))
    tasks = [on(task, ticket) for task in TASKS]
    found = read(
        written(
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


def test_heat_maps_show_what_was_measured():
    """Below the diagonal the number of each two masks, above it that of chance, by the names of techniques or tasks."""
    tasks = [on(task, chain("large_final")) for task in TASKS]
    text = written(comparison(TECHNIQUES), comparison(tasks))
    found, drawn = read(text), panels(text)
    wanted = {
        "digits": [("magnitude", Mask("large_final", "digits")), ("random", Mask("random", "digits")),
                   ("movement", Mask("movement", "digits"))],
        "large-final": [(task, Mask("large_final", task)) for task in TASKS],
    }  # fmt: skip
    for common, masks_of in wanted.items():
        for round in ROUNDS:
            (panel,) = (one for name, one in drawn.items() if name.endswith(f"-{common}-round-{round}"))
            told = {(row["row"], row["column"]): (row["similarity"], row["what"]) for row in panel.rows}
            assert len(told) == 6
            for (left, one), (below, other) in combinations(masks_of, 2):
                similar = found.similar(Place(TRAINED, round, frozenset((one, other))))
                measured, by_chance = (fmean(of.values()) for of in similar)
                assert told[below, left] == (pytest.approx(measured, rel=1e-4), "measured")
                assert told[left, below] == (pytest.approx(by_chance, rel=1e-4), "by chance")
            assert panel.spec["encoding"]["x"]["sort"] == [name for name, _ in masks_of]


def test_layers_are_drawn_as_surveyed():
    """A line a layer and one of the network, means over seeds, a panel for each arm; gaps between rounds stay open."""
    arms = [chain("large_final"), on("digits-turned", chain("random"))]
    drawn = panels(written(*map(survey, arms)))
    assert [panel.title for panel in drawn.values()] == ["magnitude on digits", "random on digits-turned"]
    for panel, arm in zip(drawn.values(), arms):
        of_series = {row["series"]: [one for one in panel.rows if one["series"] == row["series"]] for row in panel.rows}
        assert list(of_series) == [*(layer.name for layer in LAYERS), "network"]
        for place, layer in enumerate(LAYERS):
            shares = [[mask_of(arm, round, seed)[place].double().mean().item() for seed in SEEDS] for round in ROUNDS]
            rows = of_series[layer.name]
            assert [row["x"] for row in rows] == list(ROUNDS) and len({row["stretch"] for row in rows}) == 2
            assert [row["mean"] for row in rows] == pytest.approx([100 * fmean(seeds) for seeds in shares], rel=1e-4)
            assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
        whole = [
            fmean(
                torch.cat([of.flatten() for of in mask_of(arm, round, seed)]).double().mean().item() for seed in SEEDS
            )
            for round in ROUNDS
        ]
        assert [row["mean"] for row in of_series["network"]] == pytest.approx([100 * x for x in whole], rel=1e-4)


def test_points_of_masks_lead_to_their_comparison():
    """Numbers of the seeds, and the claims that read this comparison or this survey on these data."""
    arms = [compared(*TECHNIQUES), surveyed(chain("large_final"))]
    trained_on = {"iterations": 60, "optimiser": "adam", "learning_rate": 0.01}
    grounds = [[ground(arm.name, ROUNDS, **trained_on)] for arm in (*arms, chain("large_final"))]
    grounds.append([ground(arms[0].name, ROUNDS, **trained_on | {"dataset": "digits-turned"})])
    claims = [result(f"a.{name}[b]", rests_on=of) for name, of in zip(("pairs", "layers", "chain", "other"), grounds)]
    text = written(comparison(TECHNIQUES), survey(chain("large_final")))
    figures = mask_charts.masks(read(text), Context(claims))
    for drawn, claim in zip([panel for figure in figures for panel in figure.panels], ("pairs", "pairs", "layers")):
        for row in drawn.rows:
            assert list(drawn.lineage[row.get("from", row.get("series"))]["claims"]) == [f"a.{claim}[b]"]
            assert len(row["values"].split()) == len(SEEDS) and row["round"] in ROUNDS
        assert "round" in drawn.packed()["fields"]


@pytest.mark.parametrize(
    "arms, title, paper, place",
    [
        (
            [chain("large_final"), chain("random"), units_chain("large_final", 1.0)],
            "by technique",
            "Paganini",
            "Fig. 4",
        ),
        (TECHNIQUES, "by criterion", "Beyond", ""),
        (
            [chain("large_final"), chain("random"), continued("random")],
            "rewound and finetuned",
            "Paganini",
            "appendix B",
        ),
        (
            [chain("large_final"), chain("random"), in_data_order(1, chain("random"))],
            "order of the data",
            "Paganini",
            "",
        ),
        ([on(task, chain("large_final")) for task in TASKS], "by task", "Paganini", "Fig. 5"),
        ([on(task, units_chain("large_final", 1.0)) for task in TASKS], "by task", "Paganini", ""),
    ],
    ids=["techniques", "criteria", "finetuned", "orders", "tasks", "tasks by units"],
)
def test_maps_stand_where_the_paper_has_them(arms, title, paper, place):
    """Total similarity of its techniques is Fig. 4, that of tasks Fig. 5; criteria are none of its techniques."""
    (figure,) = mask_charts.masks(read(written(comparison(arms))), CONTEXT)
    assert title in figure.title and figure.paper.startswith(paper)
    assert figure.place == place or (place == "" and "Fig" not in figure.place)


def test_layers_of_a_consensus_are_a_figure_of_their_own():
    """Figs. 13 to 16 are of consensus tickets alone, and not of what is cut to their size."""
    chains = [on(task, chain("large_final")) for task in TASKS]
    ticket = consensus(chains)
    blocks = map(survey, (chain("large_final"), ticket, cut_to(chains[0], ticket, 9)))
    found = list(mask_charts.masks(read(written(*blocks)), CONTEXT))
    assert [(figure.place, len(figure.panels)) for figure in found] == [("section 4", 2), ("Figs. 13 to 16", 1)]
    assert "consensus" in found[1].title and found[1].panels[0].title.startswith("3 of 3 magnitude masks")
    assert len({figure.name for figure in found}) == 2


def test_layers_of_one_round_are_bars():
    """A line needs two rounds; all layers and the network stand below each other, and the round in the title."""
    (panel,) = panels(written(survey(chain("large_final"), rounds=(4,)))).values()
    assert panel.title == "magnitude on digits, round 4"
    assert panel.spec["layer"][0]["mark"]["type"] == "bar" and "legend" not in str(panel.spec)
    assert [row["series"] for row in panel.rows] == [*(layer.name for layer in LAYERS), "network"]


def test_panels_are_told_apart():
    """Two comparisons on one task are two figures, with names of their own."""
    orders = [in_data_order(number, chain("large_final")) for number in range(3)]
    found = list(
        mask_charts.masks(read(written(comparison(TECHNIQUES), comparison(orders), survey(chain("random")))), CONTEXT)
    )
    assert all(figure.analogue for figure in found)
    assert len(found) == 3 and len({panel.name for figure in found for panel in figure.panels}) == 5


def test_nothing_is_drawn_without_rows_of_masks():
    """Other rows, and comparisons of two masks, give no figure."""
    measured = {"test_accuracy_start": list(range(25)), "accuracy_step": 0.25}
    rungs = block(experiment(SETTING, untrained("large_final"), 0, 0), measured)
    assert panels(written([rungs], comparison(TECHNIQUES[:2]))) == {}


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
def test_damaged_rows_are_one_message(metric, change):
    """A row that is missing, cut short or says what cannot be is named, with what to do about it."""
    lines = written(comparison(TECHNIQUES), survey(chain("large_final"))).splitlines()
    place = next(place for place, line in enumerate(lines) if f",{metric}," in line)
    lines[place] = change(lines[place])
    with pytest.raises(LotteryError, match="damaged.*; run the benchmarks again") as raised:
        read("\n".join(filter(None, lines)))
    assert "a file" in str(raised.value) and len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("lost", ["of 1 and 2 in total,", "of 1 and 2 in "], ids=["totals", "a pair"])
def test_what_is_gone_from_all_seeds_is_noticed(lost):
    """Every seed's total of two masks, or all that was counted of them."""
    lines = written(comparison(TECHNIQUES)).splitlines()
    with pytest.raises(LotteryError, match=r"a row of \w+ and \w+ at round \d is damaged or missing"):
        read("\n".join(line for line in lines if lost not in line))


@given(st.sets(st.integers(1, 40), min_size=1), st.integers(2, 6))
@settings(deadline=None)
def test_rounds_are_spread_over_all(rounds, count):
    """So many of them at most, in their order, the first and the last among them, each once."""
    rounds = sorted(rounds)
    chosen = mask_charts.spread(rounds, count)
    assert chosen == sorted(set(chosen)) and set(chosen) <= set(rounds) and len(chosen) == min(count, len(rounds))
    assert (chosen[0], chosen[-1]) == (rounds[0], rounds[-1])


def test_techniques_keep_their_names_apart():
    """No two have one label; how an arm differs is told behind it, and a name that nobody knows stays as it is."""
    assert len(mask_charts.LABELS) == len(mask_charts.TECHNIQUES)
    assert mask_charts.label("large_final layer inputs by Linf, continued") == "L∞ units, continued"
    assert mask_charts.label("large_final_same_sign") == "large_final_same_sign"
    assert mask_charts.label("2 of 2 large_final masks (a, b)") == "2 of 2 magnitude masks (a, b)"
