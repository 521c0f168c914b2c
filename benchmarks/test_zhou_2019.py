"""Zhou, Lan, Liu, Yosinski 2019: Deconstructing Lottery Tickets: Zeros, Signs, and the Supermask (arXiv 1905.01067)."""

from lottery.claims.claim import claim, conjunction, effect, exact
from lottery.claims.image_quantities import (
    NEAR,
    accuracy,
    best_rung,
    delay,
    gap,
    matching,
    moved,
    moved_either_way,
    own_round,
    spread_over_masks,
    weights_remaining,
)
from lottery.claims.quantities import highest, in_order, lowest, mean
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import chain, learned, of_network, one_shot, untrained
from lottery.experiments.scales import BRIEF, SNAPSHOTS

LENET = "lenet-300-100"
CONVOLUTIONAL = ("conv-2", "conv-4", "conv-6")
# Convolutional networks are pruned round by round, as published, and at once, which a few trainings answer.
BY_ROUND = dict.fromkeys(CONVOLUTIONAL, (chain,))
AT_ONCE = {f"{name}-at-once": (one_shot,) for name in CONVOLUTIONAL}
TICKET, RANDOM = chain("large_final"), chain("random")
CONSTANT, SIGNED_CONSTANT = (chain("large_final", f"constant{sign}") for sign in ("", "_initial_sign"))
PRUNED_AT_INIT, VARIANT_1, VARIANT_2 = (
    chain("large_final", pruned=action) for action in ("init", "variant_1", "variant_2")
)
SAME_SIGN, LARGE_FINAL = untrained("large_final_same_sign"), untrained("large_final")
SIGNED_CONSTANTS = untrained("large_final_same_sign", "constant_initial_sign")


BEST_MASK = learned("constant_initial_sign", rescaled=True)


def over(arm, rounds):
    """Mean accuracy at early stop over rounds."""
    return mean(accuracy(arm, n) for n in rounds)


def as_good(arm, reference, control, rounds):
    """An arm matches a reference, with a control that does not."""
    match = matching(arm, reference, control, rounds)
    return conjunction(
        not_worse=match.not_worse,
        not_better=match.not_better,
        control_loses=match.control_loses,
        beside={"difference": match.difference},
    )


def at_least_as_good(arm, reference, control, rounds):
    """An arm matches a reference or exceeds it, with a control that does not."""
    match = matching(arm, reference, control, rounds)
    return conjunction(
        not_worse=match.not_worse, control_loses=match.control_loses, beside={"difference": match.difference}
    )


# Section 2: mask criteria


@claim(LENET)
def test_ticket_exceeds_dense(question):
    """Over a wide range of sparsities rewound networks are more accurate than the dense one."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_ticket_matches_dense(question):
    """Over a wide range of sparsities rewound networks match the dense one or exceed it; random masks fall behind."""
    return at_least_as_good(TICKET, DENSE, RANDOM, question.rounds)


@claim(LENET)
def test_large_final_beats_random(question):
    """At high sparsity, keeping large final weights is far better than keeping random ones."""
    return effect(gap(TICKET, RANDOM, question.rounds))


@claim(LENET)
def test_large_final_beats_random_at_one_percent(question):
    """With 1 % of the weights, keeping large final weights is far better than keeping random ones."""
    return effect(gap(TICKET, RANDOM, question.rounds))


@claim(
    cases={
        f"{LENET}-final": ("large_final", "small_final"),
        f"{LENET}-init": ("large_init", "small_init"),
        f"{LENET}-both": ("large_init_large_final", "small_init_small_final"),
    }
)
def test_opposing_criteria(question, large, small):
    """Where a criterion beats random masks, its opposite is worse than random masks."""
    return conjunction(
        large_over_random=gap(chain(large), RANDOM, question.rounds),
        random_over_small=gap(RANDOM, chain(small), question.rounds),
    )


@claim(LENET)
def test_magnitude_increase_matches_large_final(question):
    """Keeping the weights that grew most works as well as keeping the largest."""
    return as_good(chain("magnitude_increase"), TICKET, RANDOM, question.rounds)


@claim(cases=BY_ROUND | {"conv-2-at-once": (one_shot,)})
def test_magnitude_increase_is_as_good_or_better(question, pruned):
    """Keeping the weights that grew most works at least as well as keeping the largest."""
    arms = (pruned(criterion) for criterion in ("magnitude_increase", "large_final", "random"))
    return at_least_as_good(*arms, question.rounds)


@claim(cases={"conv-2": (chain,), "conv-4": (chain,), "conv-2-at-once": (one_shot,)})
def test_magnitude_increase_beats_large_final(question, pruned):
    """Keeping the weights that grew most works better than keeping the largest."""
    return effect(gap(pruned("magnitude_increase"), pruned("large_final"), question.rounds))


@claim(cases={f"{LENET}-movement": ("movement",), f"{LENET}-large_init_large_final": ("large_init_large_final",)})
def test_other_criteria_match_dense(question, criterion):
    """Other criteria, too, leave networks that match the dense one."""
    return at_least_as_good(chain(criterion), DENSE, RANDOM, question.rounds)


@claim(LENET)
def test_order_of_criteria(question):
    """At high sparsity large final weights beat large initial ones, those random ones, and those small final ones."""

    def level(criterion):
        return mean(accuracy(chain(criterion), n) for n in question.rounds)

    return conjunction(
        large_final_over_large_init=level("large_final") - level("large_init"),
        large_init_over_random=level("large_init") - level("random"),
        random_over_small_final=level("random") - level("small_final"),
    )


@claim(LENET)
def test_ranking_of_criteria(question):
    """At high sparsity criteria rank as in the paper: what looks at final weights first, what keeps small ones last."""
    ranked = (
        "large_final",
        "movement",
        "large_init_large_final",
        "large_init",
        "random",
        "small_init",
        "small_init_small_final",
        "small_final",
    )
    return effect(in_order(over(chain(criterion), question.rounds) for criterion in ranked))


@claim(LENET)
def test_large_final_weights_win(question):
    """The worst of the criteria that keep large final weights is better than the best of the others."""
    keeping = ("large_final", "magnitude_increase", "movement", "large_init_large_final")
    others = ("large_init", "random", "small_init", "small_init_small_final", "small_final")
    worst = lowest(over(chain(criterion), question.rounds) for criterion in keeping)
    return effect(worst - highest(over(chain(criterion), question.rounds) for criterion in others))


@claim(LENET)
def test_large_final_stops_before_random(question):
    """Networks that keep large final weights reach their minimum validation loss before randomly pruned ones."""
    return effect(delay(TICKET, RANDOM, question.rounds))


@claim(LENET)
def test_signs_in_trained_masks(question):
    """Retrained, the same-sign mask equals large_final; the different-sign mask is worse, and no better than random."""
    same, different = chain("large_final_same_sign"), chain("large_final_diff_sign")
    match = matching(same, TICKET, RANDOM, question.rounds)
    return conjunction(
        same_sign_not_worse=match.not_worse,
        same_sign_not_better=match.not_better,
        different_sign_loses=gap(TICKET, different, question.rounds),
        different_sign_no_better_than_random=NEAR * match.control_loses - gap(different, RANDOM, question.rounds),
        control_random_mask_loses=match.control_loses,
        beside={"difference": match.difference},
    )


# Section 3: kept weights


@claim(LENET)
def test_constant_without_sign_falls_behind(question):
    """Without the initial sign, a constant trains worse than the rewound ticket."""
    return effect(gap(TICKET, CONSTANT, question.rounds))


@claim(cases={f"{LENET}-reinit": ("reinit",), f"{LENET}-reshuffle": ("reshuffle",)})
def test_values_without_sign_fall_behind(question, treatment):
    """Without the initial sign, new or reshuffled values train worse than the rewound ticket."""
    return effect(gap(TICKET, chain("large_final", treatment), question.rounds))


@claim(LENET)
def test_initial_sign_helps(question):
    """Each of reinit, reshuffle and constant trains better with the initial sign than without it."""
    return conjunction(
        **{
            treatment: gap(
                chain("large_final", f"{treatment}_initial_sign"), chain("large_final", treatment), question.rounds
            )
            for treatment in ("reinit", "reshuffle", "constant")
        }
    )


@claim(cases={LENET: (chain,)} | BY_ROUND | AT_ONCE)
def test_signs_recover_ticket(question, pruned):
    """Kept weights that restart from a constant with their initial sign train as well as the rewound ticket."""
    treatments = ("constant_initial_sign", "rewind", "constant")
    return as_good(*(pruned("large_final", treatment) for treatment in treatments), question.rounds)


@claim(LENET, *CONVOLUTIONAL)
def test_reshuffled_values_with_sign_recover_ticket(question):
    """Kept weights that restart from reshuffled values with their initial sign train as well as the rewound ticket."""
    signed, unsigned = (chain("large_final", f"reshuffle{sign}") for sign in ("_initial_sign", ""))
    return as_good(signed, TICKET, unsigned, question.rounds)


@claim(LENET)
def test_reinit_with_sign_lies_between(question):
    """With the initial sign new values are better than without, but weaker than reshuffled values and constants."""
    reinit = over(chain("large_final", "reinit_initial_sign"), question.rounds)
    others = mean(
        over(chain("large_final", f"{name}_initial_sign"), question.rounds) for name in ("reshuffle", "constant")
    )
    return conjunction(
        over_unsigned=reinit - over(chain("large_final", "reinit"), question.rounds), below_other_signed=others - reinit
    )


@claim(LENET)
def test_sign_matters_more_than_magnitude(question):
    """What is lost with the sign is more than what is lost with the magnitude alone."""
    names = ("reinit", "reshuffle", "constant")
    unsigned = mean(over(chain("large_final", name), question.rounds) for name in names)
    signed = mean(over(chain("large_final", f"{name}_initial_sign"), question.rounds) for name in names)
    return effect((signed - unsigned) - (over(TICKET, question.rounds) - signed))


# Section 4: pruned weights


@claim(LENET)
def test_zero_beats_initial_values(question):
    """Pruned weights are better frozen at zero than at their initial value."""
    return effect(gap(TICKET, PRUNED_AT_INIT, question.rounds))


@claim(LENET)
def test_initial_values_win_when_sparse(question):
    """At very high sparsity pruned weights are better frozen at their initial value than at zero."""
    return effect(gap(PRUNED_AT_INIT, TICKET, question.rounds))


@claim(LENET)
def test_variant_1_matches_ticket(question):
    """At low sparsity it does as well to set to zero only those pruned weights that moved towards zero."""
    return as_good(VARIANT_1, TICKET, PRUNED_AT_INIT, question.rounds)


@claim(LENET)
def test_variant_1_beats_ticket_when_sparse(question):
    """At high sparsity it is better to set to zero only those pruned weights that moved towards zero."""
    return effect(gap(VARIANT_1, TICKET, question.rounds))


@claim(LENET)
def test_variant_2_beats_variant_1(question):
    """It is better still to start kept weights at zero, too, if they moved towards it."""
    return effect(gap(VARIANT_2, VARIANT_1, question.rounds))


@claim(LENET)
def test_variant_2_beats_ticket(question):
    """With kept weights at zero, too, if they moved towards it, networks are more accurate than the ticket."""
    return effect(gap(VARIANT_2, TICKET, question.rounds))


@claim(LENET)
def test_variant_1_beats_its_controls(question):
    """As many zeros at random places, or where weights moved away from zero, do worse."""
    return conjunction(
        random_places=gap(VARIANT_1, chain("large_final", pruned="variant_1_shuffled"), question.rounds),
        reversed_rule=gap(VARIANT_1, chain("large_final", pruned="variant_1_reversed"), question.rounds),
    )


@claim(LENET)
def test_masking_is_training(question):
    """Every round zeroes what its own training moved there: more than it keeps, and more than a random mask would."""

    def each(name):
        return [mean(own_round("large_final", n, layer, name) for layer in range(3)) for n in question.rounds]

    kept, pruned, zeroed, by_chance = map(each, ("grown_kept", "grown_pruned", "closer", "closer_by_chance"))
    return conjunction(
        kept_grow_more_often=lowest(ours - theirs for ours, theirs in zip(kept, pruned)),
        pruned_grow=highest(pruned),
        distance_to_the_end=highest(zeroed),
        closer_than_by_chance=lowest(theirs - ours for ours, theirs in zip(zeroed, by_chance)),
        control_random_mask_is_not_closer=lowest(by_chance),
    )


# Section 5: supermasks


@claim(LENET)
def test_large_final_supermask_reaches_40(question):
    """The large_final mask over untrained weights classifies nearly 40 % right."""
    return effect(best_rung(LARGE_FINAL))


@claim(LENET)
def test_random_masks_stay_at_chance(question):
    """A random mask over untrained weights is at chance: its mean over the rungs, since a maximum would not be."""
    return effect(mean(accuracy(untrained("random"), n) for n in question.rounds))


@claim(LENET)
def test_untrained_networks_are_at_chance(question):
    """An untrained network is at chance, before anything is pruned of it."""
    return effect(accuracy(untrained("random"), 0))


@claim(LENET, *CONVOLUTIONAL)
def test_same_sign_beats_large_final(question):
    """Over untrained weights, the mask of large final weights of unchanged sign is better than that of all large."""
    return effect(best_rung(SAME_SIGN) - best_rung(LARGE_FINAL))


@claim(LENET)
def test_same_sign_gains_40_points(question):
    """Over untrained weights it is better than the mask of all large final weights by 40 points."""
    return effect(best_rung(SAME_SIGN) - best_rung(LARGE_FINAL))


@claim(LENET, *CONVOLUTIONAL)
def test_same_sign_beats_every_other_criterion(question):
    """None of the paper's nine other criteria has a mask over untrained weights as good as the same-sign mask."""
    others = (
        "large_final",
        "small_final",
        "large_init",
        "small_init",
        "large_init_large_final",
        "small_init_small_final",
    )
    others += ("magnitude_increase", "movement", "random")
    return effect(best_rung(SAME_SIGN) - highest(best_rung(untrained(criterion)) for criterion in others))


@claim(LENET)
def test_different_signs_stay_below_chance(question):
    """The mask that keeps large final weights of changed sign is at chance or below it."""
    return effect(mean(accuracy(untrained("large_final_diff_sign"), n) for n in question.rounds))


@claim(LENET)
def test_supermask_is_far_above_chance(question):
    """Signed constants under a same-sign mask classify far better than chance without any training."""
    return effect(best_rung(SIGNED_CONSTANTS))


@claim(*CONVOLUTIONAL)
def test_supermask_beats_random_masks(question):
    """Over signed constants that are never trained, the best same-sign mask classifies better than the best random."""
    return effect(best_rung(SIGNED_CONSTANTS) - best_rung(untrained("random", "constant_initial_sign")))


@claim(LENET, *CONVOLUTIONAL)
def test_signed_constants_help_heuristic_masks(question):
    """Under the same-sign mask, signed constants classify better than the initial weights."""
    return effect(best_rung(SIGNED_CONSTANTS) - best_rung(SAME_SIGN))


TABLE_1 = {
    "same_sign-init": best_rung(SAME_SIGN),
    "same_sign-constant": best_rung(SIGNED_CONSTANTS),
    "learned-init": accuracy(learned(), 0, at="end"),
    "learned-constant": accuracy(learned("constant_initial_sign"), 0, at="end"),
    "rescaled-init": accuracy(learned(rescaled=True), 0, at="end"),
    "rescaled-constant": accuracy(BEST_MASK, 0, at="end"),
    "trained": accuracy(DENSE, 0),
}


@claim(
    cases={
        f"{network}-{name}": (cell,)
        for network in (LENET, *CONVOLUTIONAL)
        for name, cell in TABLE_1.items()
        if (network, name) != (LENET, "learned-init")  # learned_supermask_reaches_95
    }
)
def test_table_1(question, cell):
    """A cell of Table 1: a network under a heuristic or a learned mask, or trained."""
    return effect(cell)


@claim(LENET)
def test_learned_supermask_reaches_95(question):
    """A mask that is trained over frozen initial weights classifies 95.3 % right."""
    return effect(accuracy(learned(), 0, at="end"))


@claim(LENET, *CONVOLUTIONAL)
def test_learned_masks_beat_heuristic_ones(question):
    """A mask trained over frozen initial weights is better than the best heuristic one over signed constants."""
    return effect(accuracy(learned(), 0, at="end") - best_rung(SIGNED_CONSTANTS))


@claim(LENET, "conv-2", "conv-4")
def test_signed_constants_help_learned_masks(question):
    """A trained mask over signed constants is better than one over the initial weights."""
    return effect(accuracy(learned("constant_initial_sign"), 0, at="end") - accuracy(learned(), 0, at="end"))


def gain_by_rescaling(treatment, network=""):
    """How much better a rescaled learned mask is over treated weights, in another network than the claim's if named."""
    plain, rescaled = (of_network(network, learned(treatment, rescaled=choice)) for choice in (False, True))
    return accuracy(rescaled, 0, at="end") - accuracy(plain, 0, at="end")


def gains_by_rescaling():
    """How much better rescaled learned masks are, over initial weights and over signed constants."""
    return conjunction(
        initial_weights=gain_by_rescaling("rewind"), signed_constants=gain_by_rescaling("constant_initial_sign")
    )


@claim(LENET, "conv-4", "conv-6")
def test_rescaling_helps(question):
    """Dynamic weight rescaling makes learned masks better, over initial weights and over signed constants."""
    return gains_by_rescaling()


@claim(LENET, *CONVOLUTIONAL)
def test_rescaling_gains(question):
    """It changes them by as much as in Table 1."""
    return gains_by_rescaling()


@claim("conv-6")
def test_rescaling_helps_deeper_networks_more(question):
    """Rescaling gains more in Conv-6 than in Conv-4, and there more than in Conv-2."""
    treatments = ("rewind", "constant_initial_sign")
    conv_2, conv_4, conv_6 = (mean(gain_by_rescaling(one, name) for one in treatments) for name in CONVOLUTIONAL)
    return conjunction(conv_6_over_conv_4=conv_6 - conv_4, conv_4_over_conv_2=conv_4 - conv_2)


@claim(LENET)
def test_best_supermask_matches_training(question):
    """The best learned supermask is as accurate as the trained network, which not every learned one is."""

    def ahead(arm):
        return accuracy(arm, 0, at="end") - accuracy(DENSE, 0)

    return conjunction(matches_training=ahead(BEST_MASK), control_unrescaled_does_not=ahead(learned()))


@claim(cases={"conv-2": (learned("constant_initial_sign"),), "conv-4": (BEST_MASK,), "conv-6": (BEST_MASK,)})
def test_best_supermask_comes_close_to_training(question, best):
    """The best learned supermask loses to the trained network less than a quarter of what the best heuristic one does.

    In Conv-2 the table has it without rescaling.
    """
    trained, learned_mask = accuracy(DENSE, 0), accuracy(best, 0, at="end")
    heuristic_loses = trained - best_rung(SIGNED_CONSTANTS)
    return conjunction(
        close=NEAR * heuristic_loses - (trained - learned_mask),
        control_heuristic_loses=heuristic_loses,
        beside={"difference": learned_mask - trained},
    )


@claim(LENET)
def test_training_adds_weights_to_an_even_mask(question):
    """Started from even chances, a mask keeps more weights after training than before."""
    return effect(moved(learned()))


@claim(LENET)
def test_training_adds_one_and_a_half_points(question):
    """Started from even chances, a mask keeps as many more weights after training as in an independent rerun."""
    return effect(moved(learned()))


FIRST_CHANCES = [learned(logit=logit) for logit in (-2.0, 0.0, 2.0)]


@claim(LENET)
def test_first_chances_shift_sparsity(question):
    """Training keeps more than half of what the first chances set apart."""
    low, even, high = FIRST_CHANCES

    def left_of_the_shift(more, less):  # what lies between two masks, less half of what lay there at the start
        return mean([weights_remaining(more) - weights_remaining(less), moved(more) - moved(less)])

    return conjunction(low_stays_apart=left_of_the_shift(even, low), high_stays_apart=left_of_the_shift(high, even))


@claim(LENET)
def test_first_chances_do_not_set_sparsity(question):
    """Training moves how many weights a mask keeps, whichever chances it starts from."""
    low, even, high = map(moved_either_way, FIRST_CHANCES)
    return conjunction(low_moves=low, even_moves=even, high_moves=high)


@claim(LENET)
def test_seed_and_mask_suffice(question):
    """A network under a supermask is stored as a seed and one bit a weight."""
    from lottery.experiments.laws import restored_from_bits

    return exact(lambda: restored_from_bits(LENET), {"same predictions": True, "bits per weight": 1.0})


@claim(LENET)
def test_masks_of_one_network_agree(question):
    """Masks drawn from the same trained probabilities hardly differ in accuracy."""
    return effect(spread_over_masks(learned()))


@claim(LENET)
def test_components_can_be_varied(question):
    """With another criterion, signed constants, or other zeros, networks are as accurate as the ticket."""
    criterion = matching(chain("magnitude_increase"), TICKET, RANDOM, question.rounds)
    kept, pruned = (matching(arm, TICKET, CONSTANT, question.rounds) for arm in (SIGNED_CONSTANT, VARIANT_1))
    varied = {"criterion": criterion, "kept_weights": kept, "pruned_weights": pruned}
    return conjunction(
        **{component: match.not_worse for component, match in varied.items()},
        control_random_mask_loses=criterion.control_loses,
        control_lost_sign_loses=kept.control_loses,
        beside={f"{component}_difference": match.difference for component, match in varied.items()},
    )


# Checks from reproductions


@claim(LENET)
def test_less_training_gives_better_masks(question):
    """Over untrained weights the large_final mask of a barely trained network beats that of a fully trained one."""
    return effect(best_rung(untrained("large_final", training=BRIEF)) - best_rung(LARGE_FINAL))


@claim(LENET)
def test_every_stretch_of_training_spoils_the_mask(question):
    """From 4,000 iterations on, the large_final mask is the worse over untrained weights, the longer training was."""
    lengths = [*SNAPSHOTS, 0]  # 0: all of it
    best = {after: best_rung(untrained("large_final", after=after)) for after in lengths}
    pairs = zip(lengths, lengths[1:])
    return conjunction(**{f"better_than_after_{longer or 'all'}": best[less] - best[longer] for less, longer in pairs})


@claim(LENET)
def test_growth_with_same_sign_matches_same_sign(question):
    """Masks that keep what grew without changing its sign are as good over untrained weights as the same-sign mask."""
    growth = untrained("magnitude_increase_same_sign")
    return conjunction(
        matches_same_sign=best_rung(growth) - best_rung(SAME_SIGN),
        control_large_final_does_not=best_rung(LARGE_FINAL) - best_rung(SAME_SIGN),
    )
