"""Claims of our own: what the papers leave open."""

from itertools import combinations

from lottery.claims.claim import claim, conjunction, effect, exact, proportion
from lottery.claims.image_quantities import accuracy, gap
from lottery.claims.mask_quantities import above_chance, jaccard
from lottery.claims.planted_quantities import enrichment, kept_together, purity, recall_above_chance, score
from lottery.claims.quantities import Quantity, correlation, mean
from lottery.experiments.arms import INITIAL
from lottery.experiments.named_arms import (
    aligned,
    as_many,
    at,
    chain,
    compared,
    consensus,
    edge_popup,
    in_data_order,
    learned,
    multishot,
    null,
    on,
    one_shot,
    singleshot,
    together,
)

LENET, CONVOLUTIONAL, CIRCLE = "lenet-300-100", "lenet-conv", "planted-circle-5"
TICKET = chain("large_final")
CRITERIA = (  # of Zhou et al. 2019, Fig. 2, but for the size after training
    *("small_final", "large_init", "small_init", "large_init_large_final", "small_init_small_final"),
    *("magnitude_increase", "movement", "large_final_same_sign", "large_final_diff_sign"),
    *("magnitude_increase_same_sign", "magnitude_increase_diff_sign", "random"),
)
METHODS = ("magnitude", "snip", "grasp", "synflow")


@claim(LENET)
def test_edge_popup_beats_bernoulli_masks(question):
    """Scores of which each layer keeps the best half find better masks than Bernoulli ones, which keep about half."""
    return effect(accuracy(edge_popup(0.5), 0, at="end") - accuracy(learned(), 0, at="end"))


BEFORE_TRAINING = {f"{LENET}-{name}": f"{name}_init" for name in METHODS[1:]}


@claim(
    cases={f"{variant}-once": (one_shot(criterion),) for variant, criterion in BEFORE_TRAINING.items()}
    | {f"{variant}-every_round": (chain(criterion),) for variant, criterion in BEFORE_TRAINING.items()}
)
def test_scores_before_training_beat_random(question, arm):
    """Masks by scores of untrained weights, layer by layer, leave networks that train better than random masks do."""
    return effect(gap(arm, chain("random"), question.rounds))


@claim(cases={f"{CIRCLE}-{name}": (name,) for name in ("magnitude_increase", "movement", "large_final_same_sign")})
def test_criteria_find_what_magnitude_misses(question, criterion):
    """Where planted weights hide from magnitude, other criteria of Zhou et al. find better tickets in ten rounds."""
    parts = {}
    for share in question.shares:
        parts[at(share)] = proportion(
            score(multishot(CIRCLE, criterion, share)) - score(multishot(CIRCLE, "magnitude", share))
        )
    return conjunction(**parts)


@claim(CIRCLE)
def test_searches_recover_planted_weights(question):
    """At a hundredth of the parameters searches keep more planted weights than chance in the same layers."""
    one_shot = {method: recall_above_chance(singleshot(CIRCLE, method, 0.01)) for method in METHODS}
    return conjunction(
        **one_shot,
        **{f"{method}_in_rounds": recall_above_chance(multishot(CIRCLE, method, 0.01)) for method in METHODS},
    )


@claim(CIRCLE)
def test_rounds_sift_planted_weights(question):
    """Over ten rounds planted weights become more than twice as frequent among the kept, compared with chance."""
    arms = {method: multishot(CIRCLE, method, 0.01) for method in METHODS}
    return conjunction(
        **{method: proportion(enrichment(arm, 10) - 2 * enrichment(arm, 1)) for method, arm in arms.items()}
    )


# Masks of several tasks, orders, starts and criteria: what Paganini & Forde 2020 leave open


@claim(CONVOLUTIONAL)
def test_core_exceeds_the_start(question):
    """Masks of two tasks are more similar to each other than to the mask of the largest initial weights."""
    tasks, round = question.tasks, question.rounds[0]
    tickets = [on(task, TICKET) for task in tasks]
    parts = {}
    for name, by_layer in (("anywhere", False), ("within_layers", True)):
        masks = compared(*tickets, *(null(arm, INITIAL, by_layer) for arm in tickets))
        pairs = list(combinations(range(len(tasks)), 2))
        parts[name] = mean(jaccard(masks, round, pair) for pair in pairs) - mean(
            jaccard(masks, round, (place, place + len(tasks))) for place in range(len(tasks))
        )
    return conjunction(**parts)


@claim(CONVOLUTIONAL)
def test_consensus_beats_what_is_cheaper(question):
    """A consensus of tasks is more accurate than one-shot magnitude, and than the largest initial weights."""
    tasks, round = question.tasks, question.rounds[0]
    shared = consensus([on(task, TICKET) for task in tasks])
    others = {
        "one_shot": as_many("large_final", shared),
        "initial_magnitude": null(shared, INITIAL),
        "initial_magnitude_by_layer": null(shared, INITIAL, by_layer=True),
    }
    return conjunction(
        **{
            name: mean(
                accuracy(on(task, shared), round, at="end") - accuracy(on(task, other), round, at="end")
                for task in tasks
            )
            for name, other in others.items()
        }
    )


@claim(CONVOLUTIONAL)
def test_one_data_order_makes_masks_agree(question):
    """Masks of two tasks agree more where both see their images in the same order."""
    (first, second), round = question.tasks, question.rounds[0]
    masks = compared(on(first, TICKET), on(second, TICKET), on(second, in_data_order(1, TICKET)))
    return effect(jaccard(masks, round, (0, 1)) - jaccard(masks, round, (0, 2)))


@claim(CONVOLUTIONAL)
def test_masks_agree_once_units_are_matched(question):
    """Masks of two starts agree by chance; matching units helps them more than masks of initial weights.

    Matching large weights with large ones makes any masks of large weights agree, and untrained ones say by how much.
    """
    masks, round = aligned(TICKET), question.rounds[0]

    def gain(which: str = "") -> Quantity:
        return jaccard(masks, round, f"{which}aligned") - jaccard(masks, round, f"{which}as they are")

    return conjunction(
        beside={"matched_over_chance": above_chance(masks, round, "aligned"), "gain_of_untrained": gain("initial ")},
        as_they_are=above_chance(masks, round, "as they are"),
        matched=gain() - gain("initial "),
    )


@claim(LENET)
def test_criteria_are_as_good_as_they_agree(question):
    """The more a criterion's mask agrees with that of the largest final weights, the more accurate is its network."""
    round = question.rounds[0]
    arms = [chain(criterion) for criterion in CRITERIA]
    masks = compared(TICKET, *arms)
    return effect(
        correlation(
            [jaccard(masks, round, (0, place)) for place in range(1, len(arms) + 1)],
            [accuracy(arm, round) for arm in arms],
        )
    )


@claim(CIRCLE)
def test_consensus_recovers_planted_weights(question):
    """What searches in five orders of the data all keep is purer than what one keeps, and has most of the ticket."""
    share, sparser = question.shares
    searches = [multishot(CIRCLE, "magnitude", share, order=order) for order in range(5)]
    one, all_of_them = together(searches[0]), together(*searches)
    further = together(multishot(CIRCLE, "magnitude", sparser))
    return conjunction(
        beside={
            "recall_of_one": kept_together(one, 1),
            "purer_than_a_sparser_one": purity(all_of_them, 5) - purity(further, 1),
        },
        purer=purity(all_of_them, 5) - purity(one, 1),
        complete=kept_together(all_of_them, 5),
    )


# What all claims rest on


@claim(cases={LENET: (LENET, "mnist", ""), CIRCLE: (CIRCLE, "circle", "data")})
def test_seeds_are_draws_of_their_own(question, network, dataset, own):
    """Two seeds start from other weights and see other batches, and neither depends on who shares their batch."""
    from lottery.experiments.seed_laws import own_draws

    expected = ("other start", "other order", *[f"other {own}"] * bool(own), "the same alone")
    return exact(lambda: own_draws(network, dataset), dict.fromkeys(expected, True))
