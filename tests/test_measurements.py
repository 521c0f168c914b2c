"""Measurements: every number of an experiment as a row, under its arm, seed, round and iteration."""

import csv
import io
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lottery.experiments.arms import DENSE, UNIFORM, Arm, Iterative
from lottery.experiments.experiment import experiment
from lottery.experiments.measurements import ARM, COLUMNS, block, recipe, rows, table, written
from lottery.experiments.named_arms import (
    as_many,
    branch,
    chain,
    compared,
    consensus,
    continued,
    counted,
    cut_to,
    dissected,
    edge_popup,
    learned,
    multishot,
    null,
    on,
    one_shot,
    scores_sought,
    singleshot,
    surveyed,
    ticket_from,
    units_chain,
    untrained,
    whole,
)
from lottery.experiments.scales import PLANTED, SCALES
from lottery.models.architectures import network
from lottery.training.config import Config, Setting

SETTING = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 25))
TRAINED = {
    "interval": 25, "early_stop_iteration": 50,
    "validation_loss": [0.9, 0.4, 0.5], "validation_accuracy": [70.0, 90.0, 91.0],
    "test_accuracy_start": 10.0, "test_accuracy_early_stop": 90.5, "test_accuracy_end": 91.5,
    "train_accuracy_early_stop": 95.0, "train_accuracy_end": float("nan"),
    "test_accuracy_constant": 11.0, "accuracy_step": 0.25,
}  # fmt: skip


LEARNED = {
    "test_accuracy_end": 94.0, "test_accuracy_deviation": 0.1, "weights_remaining": 51.0,
    "test_accuracy_constant": 11.0, "accuracy_step": 0.05,
}  # fmt: skip


def whole_rows(one, measured):
    return [(*row, *recipe(one)) for row in rows(one, measured)]


def found(arm, round, measured):
    return [dict(zip(COLUMNS, row, strict=True)) for row in whole_rows(experiment(SETTING, arm, round, 3), measured)]


def test_a_trained_network():
    """Curves at their looks, accuracies at the start, at early stop and at the end; no number is an empty cell."""
    table = found(chain("large_final"), 2, TRAINED)
    assert {row["arm"] for row in table} == {"large_final"} and {(row["seed"], row["round"]) for row in table} == {
        (3, 2)
    }
    assert [(row["iteration"], row["value"]) for row in table if row["metric"] == "validation_loss"] == [
        (25, 0.9),
        (50, 0.4),
        (60, 0.5),
    ]
    assert [(row["iteration"], row["value"]) for row in table if row["metric"] == "test_accuracy"] == [
        (0, 10.0),
        (60, 91.5),
    ]
    assert [(row["iteration"], row["value"]) for row in table if row["metric"] == "test_accuracy_early_stop"] == [
        (50, 90.5)
    ]
    assert [row["value"] for row in table if row["metric"] == "train_accuracy"] == [None]
    assert {row["weights_remaining"] for row in table} == {f"{network(SETTING.network).weights_remaining(2):.4f}"}
    assert found(DENSE, 0, TRAINED)[0]["weights_remaining"] == "100.0000"


def test_what_verdicts_know_of_a_network_besides():
    """Below its accuracies: when it failed, and in which steps an accuracy and a logarithm of an early stop come."""
    table = [(row["metric"], row["iteration"], row["value"]) for row in found(chain("large_final"), 2, TRAINED)]
    beside = [("test_accuracy_constant", 60, 11.0), ("test_accuracy_step", 60, 0.25), ("early_stop_step", 60, 25 / 60)]
    assert table[-3:] == beside and ("test_accuracy_early_stop", 50, 90.5) in table[:-3]


def test_arms_that_are_not_trained_or_learn_a_mask():
    """All rungs of a heuristic mask, a line for each part of an anatomy, and what a learned mask keeps."""
    measured = {"test_accuracy_start": list(range(25)), "accuracy_step": 0.25}
    table = found(untrained("large_final"), 0, measured)
    assert [(row["round"], row["value"]) for row in table if row["metric"] == "test_accuracy_step"] == [
        (rung, 0.25) for rung in range(25)
    ]
    rungs = [row for row in table if row["metric"] == "test_accuracy"]
    assert [row["round"] for row in rungs] == [row["value"] for row in rungs] == list(range(25))
    parts = found(dissected("large_final"), 4, {"anatomy": {"dense1": {"positive": 0.5}, "dense2": {"positive": 0.6}}})
    assert [(row["round"], row["metric"], row["value"]) for row in parts] == [
        (4, "dense1 positive", 0.5),
        (4, "dense2 positive", 0.6),
    ]
    mask = found(learned(), 0, LEARNED)
    assert [(row["metric"], row["value"]) for row in mask] == [
        ("test_accuracy", 94.0),
        ("test_accuracy_deviation", 0.1),
        ("weights_remaining", 51.0),
        ("test_accuracy_constant", 11.0),
        ("test_accuracy_step", 0.05),
    ]


def test_recipes_are_told_apart():
    """Networks that differ in their optimiser share no row; a learned mask's share of weights is its own."""
    other = Setting("lenet-96-48", "digits", Config("sgd", 0.4, 20, 60, 25))
    ours, theirs = (
        whole_rows(experiment(setting, chain("large_final"), 2, 3), TRAINED) for setting in (SETTING, other)
    )
    assert not set(ours) & set(theirs)
    mask = found(learned(), 0, LEARNED)
    assert {row["weights_remaining"] for row in mask} == {"51.0000"}


def test_the_table_has_each_row_once_in_any_order_of_blocks():
    """It reads back as the rows do, quotes included, sorted by arm, round and seed, however blocks came.

    Networks that differ in what has no column, such as the order of their data, have their start in common: its row is
    there once.
    """
    reordered = replace(SETTING, config=replace(SETTING.config, data_order="repeated"))
    arms = [chain("large_final"), chain("large_final", "reinit"), DENSE]
    networks = [experiment(SETTING, arm, round, seed) for arm in arms for round in (2, 11) for seed in (0, 10, 9)]
    measured = {one: TRAINED | {"test_accuracy_end": 90.0 + one.seed} for one in networks}
    measured[experiment(reordered, DENSE, 0, 9)] = TRAINED | {"test_accuracy_end": 12.5}
    blocks = [block(*of) for of in measured.items()]
    text = table(blocks)
    shuffled = [list(of) for of in blocks * 2]  # as JSON gives them back
    random.Random(0).shuffle(shuffled)
    assert table(shuffled) == text
    head, *lines = csv.reader(io.StringIO(text))
    wanted = {tuple("" if cell is None else str(cell) for cell in row) for of in measured for row in
              whole_rows(of, measured[of])}  # fmt: skip
    assert tuple(head) == COLUMNS and len(lines) == len(wanted) and set(map(tuple, lines)) == wanted
    assert len(wanted) < sum(len(rows(*of)) for of in measured.items())
    places = [(line[0], int(line[2]), int(line[1])) for line in lines]
    assert places == sorted(places) and "large_final, reinit" in {arm for arm, _, _ in places}


def test_a_curve_of_another_length_is_a_mistake():
    """Numbers are never shifted against their iterations."""
    with pytest.raises(ValueError):
        found(DENSE, 0, TRAINED | {"validation_loss": [0.9, 0.4]})


def test_a_search_for_a_planted_ticket():
    """Scores and levels at the end, what rounds recovered, counts by layer; the share is that of weights kept."""
    measured = {"weak": 95.5, "strong": float("nan"), "ticket": 98.0, "recall": [0.5, 0.25], "chance": [0.4, 0.1],
                "kept": [2060.0, 203.0], "precision": [0.01, 0.02], "weights_kept": [100, 3, 0, 100],
                "biases_kept": [1, 0, 0, 0], "connected": False, "iterations": 16_860,
                "accuracy_step": 0.1}  # fmt: skip
    arm = multishot("planted-circle-5", "snip", 0.01)
    arm = replace(arm, mask=replace(arm.mask, rounds=2, epochs=25))
    search = experiment(SCALES["tiny"].settings["planted-circle-5"][PLANTED], arm, 0, 7)
    table = [dict(zip(COLUMNS, row, strict=True)) for row in whole_rows(search, measured)]
    assert {(row["network"], row["dataset"], row["seed"], row["iterations"]) for row in table} == {
        ("planted-circle-5", "circle", 7, 16_860)
    }
    assert {(row["round"], row["weights_remaining"]) for row in table} == {
        (1, "10.0000"),
        (2, f"{100 * 203 / 20_600:.4f}"),
    }
    values = {(row["metric"], row["round"]): row["value"] for row in table}
    assert values["weak", 2] == 95.5 and values["strong", 2] is None and values["connected", 2] == 0.0
    assert (values["recall", 1], values["recall", 2], values["precision", 2], values["weights_kept in layer 3", 2]) == (
        0.5,
        0.25,
        0.02,
        0,
    )


def test_every_row_has_the_parts_of_its_arm():
    """As data beside the name, so that nobody takes the name apart; what a part lacks is no number and no word."""
    row = found(chain("large_final", "constant_initial_sign"), 2, TRAINED)[0]
    assert {name: row[name] for name in ARM if row[name] not in (None, "", 0, False)} == {
        "mask": "iterative", "criterion": "large_final", "start": "reset", "treatment": "constant_initial_sign",
        "pruned": "zero", "action": "train",
    }  # fmt: skip
    looked_at = found(dissected("movement"), 4, {"anatomy": {"dense1": {"positive": 0.5}}})[0]
    assert [looked_at[name] for name in ("mask", "of", "criterion", "action")] == [
        "from",
        "reset",
        "movement",
        "inspect",
    ]


def test_rows_of_comparisons_say_whose_masks_they_are_about():
    """Arms in the order of the places in their numbers, tasks beside them; one that trains looks at no other."""
    digits, turned = on("digits", chain("large_final")), on("digits-turned", chain("random"))
    counts = {"pairs": {"0, 1": {"total": [1, 2, 3, 4]}}}
    one, *_ = found(compared(digits, turned, chain("movement")), 2, counts)
    assert (one["masks_of"], one["tasks"]) == ("large_final; random; movement", "digits; digits-turned; ")
    one, *_ = found(surveyed(turned), 2, {"survey": {"dense1": {"weights": 4, "kept": 2}}})
    assert (one["masks_of"], one["tasks"]) == ("random", "digits-turned")
    assert {(one["masks_of"], one["tasks"]) for one in found(branch("large_final", "reinit"), 2, TRAINED)} == {("", "")}


def test_what_remains_is_counted_or_left_empty_off_the_ladder():
    """A round says it of weights pruned one by one; units, cuts and consensus by their own count, or not at all."""
    ticket, units = chain("large_final"), units_chain("large_final", 2.0)
    shared = consensus([on("digits", ticket), on("digits-turned", ticket)])

    def remains(arm, measured):
        return {row["weights_remaining"] for row in found(arm, 2, measured)}

    (ladder,) = remains(ticket, TRAINED)
    for arm in (ticket_from(on("digits-turned", ticket)), one_shot("large_final")):
        assert remains(arm, TRAINED) == {ladder}
    for arm in (units, shared, null(ticket, UNIFORM), cut_to(ticket, shared, 8)):
        assert remains(arm, TRAINED | {"mask_kept": 100}) == {f"{100 * 100 / SETTING.architecture.weights:.4f}"}
    for arm in (ticket_from(units), as_many("large_final", shared), ticket_from(shared)):
        assert remains(arm, TRAINED) == {""}
    pairs = {"pairs": {"0, 1": {"total": [1, 2, 3, 4]}}}
    assert remains(compared(ticket, chain("random")), pairs) == {ladder}
    assert remains(compared(ticket, units), pairs) == {""}


def test_no_two_arms_are_written_alike():
    """The columns of an arm tell it from every other one that a network can be trained by."""
    arms = [
        DENSE, chain("large_final"), chain("movement"), chain("large_final", "reinit"),
        chain("large_final", pruned="init"), continued("large_final"),
        branch("large_final", "reinit"), branch("large_final", "reinit", draw=1),
        one_shot("large_final"), untrained("large_final"), dissected("large_final"), counted("large_final"),
        learned(), learned(rescaled=True),
        learned(logit=2.0), edge_popup(0.5), edge_popup(0.1), learned("constant"),
        surveyed(chain("large_final")), surveyed(Arm(Iterative("large_final", "layer"))),
        compared(chain("large_final"), chain("random")), compared(chain("large_final"), on("digits", chain("random"))),
    ]  # fmt: skip
    net = "planted-circle-5"
    searches = [
        whole(net), singleshot(net, "snip", 0.1), singleshot(net, "snip", None),
        singleshot(net, "snip", 0.1, weak=False),
        singleshot(net, "snip", 0.1, rounds=100), singleshot(net, "snip", 0.1, scope="layer"),
        multishot(net, "snip", 0.1),
        multishot(net, "snip", 0.1, noise=0.1), multishot(net, "snip", 0.1, released=True), scores_sought(net, 0.5),
        scores_sought(net, 0.5, annealed=True), scores_sought(net, 0.5, released=True),
    ]  # fmt: skip
    for of_one_network in (arms, searches):
        assert len(set(map(written, of_one_network))) == len(of_one_network)


def test_every_column_is_described():
    """In the table of docs/verdicts.md, each once, and no other."""
    text = (Path(__file__).resolve().parents[1] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    table = text.partition("## Columns of measurements.csv.gz")[2]
    heads = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(heads))) == sorted(COLUMNS)
