"""Quantities of searches by hand: empty layers, the middle, straight lines, margins; and the claims that use them."""

from math import exp, log
from pathlib import Path

import pytest

import benchmarks.test_fischer_burkholz_2021 as planted
from lottery.claims import entries
from lottery.claims.entries import Question
from lottery.claims.planted_quantities import empty_layer, past_halfway, worse_than_a_line
from lottery.claims.quantities import above, within
from lottery.experiments.named_arms import multishot, scores_sought, singleshot, whole
from lottery.experiments.search_part import count, stays
from lottery.models.architectures import network

CIRCLE, RELU, HELIX = "planted-circle-5", "planted-relu-5", "planted-helix-5"
ARM = whole(CIRCLE)


def of(quantity, **measured):
    """Return a quantity's number where all its networks measure the same."""
    return quantity.of(lambda arm, round: measured)


@pytest.mark.parametrize("kept, empty", [([4, 9, 1, 7], 0), ([4, 0, 1, 7], 1), ([0, 1, 1, 1], 1), ([1, 1, 1, 0], 1)])
def test_a_layer_is_empty_if_it_keeps_nothing(kept, empty):
    """The first, the last and one between; a path is another question: one weight a layer need not make one."""
    for connected in (True, False):
        assert of(empty_layer(ARM), weights_kept=kept, connected=connected) == empty


def test_halfway_is_between_the_constant_and_the_ticket():
    """Above zero from the middle on, by reading; on regressions there is none."""
    found = past_halfway(ARM, "strong")
    assert of(found, strong=73.0, weak=0.0, constant=45.0, ticket=98.0) == pytest.approx(1.5)
    assert of(found, strong=70.0, weak=99.0, constant=45.0, ticket=98.0) == pytest.approx(-1.5)
    with pytest.raises(ValueError, match="is a regression"):
        past_halfway(whole(RELU))


def test_worse_than_a_line_is_a_ratio_of_errors():
    """The logarithm of the error over the affine function's: zero where they are the same, above where it is worse."""
    worse = worse_than_a_line(whole(HELIX), "strong")
    assert of(worse, strong=0.14, affine=0.14) == 0
    assert exp(of(worse, strong=0.28, affine=0.14)) == pytest.approx(2)
    assert (
        of(worse, strong=0.058, affine=0.141) == pytest.approx(log(0.058 / 0.141))
        and of(worse, strong=0.058, affine=0.141) < 0
    )
    assert of(worse, strong=0.0, affine=0.14) != of(worse, strong=0.0, affine=0.14)  # no number of no error
    with pytest.raises(ValueError, match="only regressions can be worse"):
        worse_than_a_line(ARM)


@pytest.mark.parametrize("strong", [0.0, 3.0, 5.0, 9.9, 10.0, 10.1, -0.1])
def test_within_is_two_sided(strong):
    """Within five of five is between zero and ten, ends not included, where a half line would miss one side."""
    quantity = within(above(past_halfway(ARM, "strong"), 5), 5)  # the middle is at zero
    assert (of(quantity, strong=strong, constant=-1.0, ticket=1.0) > 0) == (0 < strong < 10)


def arms_of(test, variant, **question):
    """Return the parts of a claim's statement at a question, each with its arms."""
    claims = {mark.args[1][i].values[0].variant: mark.args[1][i].values[0]
              for mark in test.pytestmark for i in range(len(mark.args[1]))}  # fmt: skip
    statement = claims[variant].build(Question(reason="a law", seeds=1, region=[0, 0.5], **question))
    parts = statement.parts if statement.kind == "conjunction" else [("", statement)]
    return {name: {arm for arm, _ in part.quantity.cells} for name, part in parts}


def test_on_par_compares_with_the_best_and_beside_random():
    """At every share magnitude, and at a tenth random pruning, against all three methods made for one shot."""
    parts = arms_of(planted.test_magnitude_is_on_par_in_one_shot, CIRCLE, shares=[0.5, "planted"])
    assert sorted(parts) == ["control_random_at_10_percent", "magnitude_at_50_percent", "magnitude_at_planted"]
    for name, method, share in (
        ("control_random_at_10_percent", "random", 0.1),
        ("magnitude_at_planted", "magnitude", None),
    ):
        assert parts[name] == {singleshot(CIRCLE, one, share) for one in ("snip", "grasp", "synflow", method)}


@pytest.mark.parametrize("how", ["sound", "released"])
def test_moderate_sparsities_are_asked_one_by_one(how):
    """Every method has a part for every share, of that search alone: another share cannot help."""
    parts = arms_of(
        planted.test_all_find_moderately_sparse_tickets, CIRCLE + "-released" * (how == "released"), shares=[0.5, 0.1]
    )
    assert len(parts) == 10
    for method in planted.METHODS:
        for share in (0.5, 0.1):
            wanted = planted.search(CIRCLE, method, share, released=how == "released")
            assert parts[f"{method}_at_{100 * share:g}_percent"] == {wanted}


@pytest.mark.parametrize("name", planted.AS_RELEASED)
def test_random_pruning_keeps_the_released_number(name):
    """As released it keeps as many as the released code counts, at the planted share; elsewhere one fewer at most."""
    architecture, (kept, parameters) = network(name), planted.AS_RELEASED[name]
    assert (kept, parameters) == (count(architecture, None, True), architecture.layout.count)
    mask = planted.search(name, "random", None, released=True).mask
    assert count(architecture, mask.share, mask.released) == kept
    assert planted.search(name, "random", None) == singleshot(name, "random", None)
    for share in (0.5, 0.1, 0.01):
        mask = planted.search(name, "random", share, released=True).mask
        assert stays(share, parameters, True) - count(architecture, mask.share, mask.released) in (0, 1)


def released_claims():
    """Return every claim that is asked as released, with its statement at a question that all of them can be asked."""
    for name, test in vars(planted).items():
        for mark in getattr(test, "pytestmark", []) if name.startswith("test_") else []:
            for parameter in mark.args[1]:
                if parameter.values[0].variant.endswith("-released"):
                    yield name, parameter.values[0]


@pytest.mark.parametrize(
    "stated", [pytest.param(claim, id=f"{name}[{claim.variant}]") for name, claim in released_claims()]
)
def test_what_is_asked_as_released_is_released_throughout(stated):
    """Every search counts and cuts as released but random ones, and every strong ticket has the released reading."""
    statement = stated.build(Question(reason="a law", seeds=1, region=[0, 0.5], shares=[0.1, "planted"]))
    terms = [term for quantity in statement.quantities for term in quantity.terms]
    for term in terms:
        arm = term.cell[0]
        part = arm.action if arm.mask.kind == "dense" else arm.mask
        assert part.released or getattr(part, "criterion", "") == "random"
        assert "strong ticket" not in term.name
    assert terms


@pytest.mark.parametrize("gain, slight", [(-0.1, 0), (0.0, 1), (0.1, 1), (9.9, 1), (10.0, 1), (10.1, 0)])
def test_a_slight_gain_is_none_or_ten_points_at_most(gain, slight):
    """Both ends count, whatever the rounding: accuracies of 1,000 samples have steps of a tenth of a point."""
    claim = planted.test_100_rounds_help_slightly.pytestmark[0].args[1][0].values[0]
    statement = claim.build(Question(reason="a law", seeds=1, region=[0, 0.5]))
    for start in (15.7, 44.3, 80.1):
        for _, part in statement.parts:

            def read(arm, round, start=start):
                return {"weak": start + gain if arm.mask.rounds == 100 else start}

            assert (part.quantity.of(read) > 0) == slight


ONE_SHOT = [
    planted.test_all_fail_at_extreme_sparsity,
    planted.test_no_strong_tickets_in_one_shot,
    planted.test_failures_empty_layers,
    planted.test_failures_are_collapses,
    planted.test_one_shot_needs_a_tenth,
]


@pytest.mark.parametrize("test", ONE_SHOT)
@pytest.mark.parametrize("name", [CIRCLE, RELU, HELIX])
def test_released_searches_are_released_but_for_random_ones(test, name):
    """Both ways ask the same parts; as released every search is, except those by random scores, which never tie."""
    sound, released = (arms_of(test, f"{name}{mark}", shares=[0.01, "planted"]) for mark in ("", "-released"))
    assert sound.keys() == released.keys()
    for arms, way in ((sound, False), (released, True)):
        masks = {arm.mask for of_part in arms.values() for arm in of_part}
        assert all(mask.released == (way and mask.criterion != "random") for mask in masks)
        assert {mask.criterion for mask in masks} == {"large_init", "random", "snip_init", "grasp_init", "synflow_init"}


@pytest.mark.parametrize(
    "name, reading", [(CIRCLE, "strong_raw"), (RELU, "strong_any_sign"), (HELIX, "strong_any_sign")]
)
def test_released_readings_are_those_of_the_released_code(name, reading):
    """Circle's outputs as they are, regressions fitted by a factor of any sign, trained ones as well."""
    assert planted.read_as("strong", name, True) == reading
    assert planted.read_as("weak", name, True) == ("weak" if name == CIRCLE else "weak_any_sign")
    assert [planted.read_as(ticket, name, False) for ticket in ("weak", "strong")] == ["weak", "strong"]


def test_empty_claims_have_their_antecedents():
    """That nothing is found elsewhere is asked beside whether anything is found at all."""
    all_and_a_tenth = {scores_sought(CIRCLE, share) for share in (1.0, 0.1)}
    others = arms_of(planted.test_edge_popup_fails_at_other_sparsities, CIRCLE, shares=[0.1])
    assert others == {"at_a_half": {scores_sought(CIRCLE, 0.5)}, "at_others": all_and_a_tenth}
    rounds = arms_of(planted.test_regression_needs_a_tenth, HELIX, shares=[0.01])
    assert rounds["at_a_tenth"] == {multishot(HELIX, method, 0.1) for method in ("magnitude", "snip", "synflow")}
    strong = arms_of(planted.test_weak_tickets_are_not_strong, HELIX, shares=[0.1, 0.01])
    assert strong.pop("weak") == set().union(*strong.values())


BOTH_WAYS = [
    *(f"S{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 11, 12)),
    "M1",
    "M4",
    *(f"E{n}" for n in (1, 2, 3, 4, 6, 7)),
    "O3",
]


@pytest.mark.parametrize("number", BOTH_WAYS)
def test_what_is_asked_both_ways_is(number):
    """As docs/planted.md has it; only tickets that are planted at another scale have no released variant."""
    stated = entries.read(Path(planted.__file__).parent.parent / "expected" / "fischer_burkholz_2021.toml")
    ids = {id.rstrip("]") for id, entry in stated.items() if entry.number == number}
    sound = {id for id in ids if not id.endswith(("-released", "-printed"))}
    assert sound and {f"{id}-released" for id in sound} <= ids
