"""Zhou, Lan, Liu, Yosinski 2019: Deconstructing Lottery Tickets: Zeros, Signs, and the Supermask (arXiv 1905.01067)."""

from lottery.arms import chain, learned, untrained
from lottery.claims import claim, conjunction, effect
from lottery.quantities import accuracy, highest, mean, spread_over_masks, weights_remaining
from lottery.scales import SUPERMASK_ROUNDS

LENET = "lenet-300-100"


@claim(LENET)
def test_signs_recover_ticket(question):
    """Kept weights that restart from a constant with their initial sign train as well as the rewound ticket."""
    signs, ticket = chain("large_final", "constant_initial_sign"), chain("large_final")
    return effect(mean(accuracy(signs, n) - accuracy(ticket, n) for n in question.rounds))


@claim(LENET)
def test_supermask_mnist_above_80(question):
    """Signed constants under a same-sign mask classify far better than chance without any training."""
    supermask = untrained("large_final_same_sign", "constant_initial_sign")
    return effect(highest(accuracy(supermask, n) for n in SUPERMASK_ROUNDS))


@claim(LENET)
def test_constant_without_sign_falls_behind(question):
    """Without the initial sign, a constant trains worse than the rewound ticket."""
    ticket, constant = chain("large_final"), chain("large_final", "constant")
    return effect(mean(accuracy(ticket, n) - accuracy(constant, n) for n in question.rounds))


@claim(LENET)
def test_large_final_beats_random(question):
    """At high sparsity, keeping large final weights is far better than keeping random ones."""
    ticket, chance = chain("large_final"), chain("random")
    return effect(mean(accuracy(ticket, n) - accuracy(chance, n) for n in question.rounds))


@claim(LENET)
def test_order_of_criteria(question):
    """At high sparsity, large final weights are better than large initial ones, those than random ones, those than small final ones."""

    def level(criterion):
        return mean(accuracy(chain(criterion), n) for n in question.rounds)

    return conjunction(
        large_final_over_large_init=level("large_final") - level("large_init"),
        large_init_over_random=level("large_init") - level("random"),
        random_over_small_final=level("random") - level("small_final"),
    )


@claim(LENET)
def test_same_sign_is_the_best_heuristic_mask(question):
    """Of the heuristic masks over untrained weights, the one that keeps large final weights of unchanged sign is by far the best."""
    same_sign, large_final = untrained("large_final_same_sign"), untrained("large_final")
    return effect(highest(accuracy(same_sign, n) for n in SUPERMASK_ROUNDS) - highest(accuracy(large_final, n) for n in SUPERMASK_ROUNDS))


@claim(LENET)
def test_random_masks_stay_at_chance(question):
    """A random mask over untrained weights classifies at chance: its mean over the rungs, since a maximum over them would not."""
    return effect(mean(accuracy(untrained("random"), n) for n in question.rounds))


@claim(LENET)
def test_learned_supermask_reaches_95(question):
    """A mask that is trained over frozen initial weights classifies better than any heuristic one."""
    return effect(accuracy(learned(), 0, at="end"))


@claim(LENET)
def test_signed_constants_help_learned_masks(question):
    """A trained mask over signed constants is at least as good as one over the initial weights."""
    return effect(accuracy(learned("constant_initial_sign"), 0, at="end") - accuracy(learned(), 0, at="end"))


@claim(LENET)
def test_half_of_the_weights_remain(question):
    """Started from even chances, a trained mask keeps about half of the weights."""
    return effect(weights_remaining(learned()))


@claim(LENET)
def test_masks_of_one_network_agree(question):
    """Masks drawn from the same trained probabilities hardly differ in accuracy."""
    return effect(spread_over_masks(learned()))
