"""Statements that are the negation of a listed claim, with the same margin: the suite must refute each of them."""

from lottery.claims.claim import claim, effect
from lottery.claims.image_quantities import accuracy
from lottery.claims.quantities import highest, mean
from lottery.experiments.named_arms import branch, chain, untrained
from lottery.experiments.scales import SUPERMASK_ROUNDS

LENET = "lenet-300-100"


@claim(LENET)
def test_random_masks_are_as_good(question):
    """Keeping random weights is no worse than keeping large final ones."""
    ticket, chance = chain("large_final"), chain("random")
    return effect(mean(accuracy(ticket, n) - accuracy(chance, n) for n in question.rounds))


@claim(LENET)
def test_supermask_stays_low(question):
    """Signed constants under a same-sign mask stay below what the supermask claim asks for."""
    supermask = untrained("large_final_same_sign", "constant_initial_sign")
    return effect(highest(accuracy(supermask, n) for n in SUPERMASK_ROUNDS))


@claim(LENET)
def test_reinit_is_as_good_as_the_ticket(question):
    """A random reinitialisation is as accurate as the ticket whose mask it uses."""
    ticket, reinit = chain("large_final"), branch("large_final", "reinit")
    return effect(mean(accuracy(ticket, n) - accuracy(reinit, n) for n in question.rounds))
