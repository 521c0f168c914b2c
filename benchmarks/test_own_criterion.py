"""What `--criterion` asks of a criterion of your own: the papers' questions about one, beside the papers' criteria."""

from lottery.claims.claim import claim_per_criterion, claim_per_criterion_and_network, effect
from lottery.claims.image_quantities import accuracy, best_rung, delay, gap
from lottery.claims.planted_quantities import score
from lottery.claims.quantities import mean
from lottery.experiments.arms import DENSE, Arm, ToShare
from lottery.experiments.named_arms import branch, chain, multishot, one_shot, untrained

LENET, CONV, CIRCLE = "lenet-300-100", "conv-2", "planted-circle-5"
RANDOM = chain("random")


@claim_per_criterion(LENET)
def test_beats_random(question, criterion):
    """The networks that the criterion leaves are more accurate at high sparsity than randomly pruned ones."""
    return effect(mean(accuracy(chain(criterion), n) - accuracy(chain("random"), n) for n in question.rounds))


@claim_per_criterion(LENET)
def test_matches_large_final(question, criterion):
    """They are no less accurate than those that large final magnitude leaves."""
    return effect(mean(accuracy(chain(criterion), n) - accuracy(chain("large_final"), n) for n in question.rounds))


@claim_per_criterion(LENET)
def test_tickets_match_dense(question, criterion):
    """Its small tickets are no less accurate than the dense network."""
    return effect(gap(chain(criterion), DENSE, question.rounds))


@claim_per_criterion(LENET)
def test_tickets_stop_before_dense(question, criterion):
    """Its tickets reach their minimum validation loss before the dense network."""
    return effect(delay(chain(criterion), DENSE, question.rounds))


@claim_per_criterion(LENET)
def test_tickets_stop_before_random(question, criterion):
    """At high sparsity its tickets reach their minimum validation loss before randomly pruned networks."""
    return effect(delay(chain(criterion), RANDOM, question.rounds))


@claim_per_criterion(LENET)
def test_tickets_beat_reinit(question, criterion):
    """Its tickets are more accurate than the same masks with weights drawn anew."""
    return effect(gap(chain(criterion), branch(criterion, "reinit"), question.rounds))


@claim_per_criterion(LENET)
def test_signs_are_enough(question, criterion):
    """Under its masks, constants with the initial signs train no worse than the initial weights."""
    return effect(gap(branch(criterion, "constant_initial_sign"), chain(criterion), question.rounds))


@claim_per_criterion(LENET)
def test_rounds_beat_one_shot(question, criterion):
    """Pruned round by round by the criterion, networks are more accurate than pruned by it at once."""
    return effect(gap(chain(criterion), one_shot(criterion), question.rounds))


@claim_per_criterion(LENET)
def test_one_shot_beats_random(question, criterion):
    """Networks that the criterion prunes at once are more accurate than randomly pruned ones."""
    return effect(gap(one_shot(criterion), RANDOM, question.rounds))


@claim_per_criterion(CONV)
def test_convolutions_beat_random(question, criterion):
    """In a convolutional network, too, what it prunes at once is more accurate than what is pruned at random."""
    return effect(gap(one_shot(criterion), one_shot("random"), question.rounds))


@claim_per_criterion(LENET)
def test_supermask_beats_large_final(question, criterion):
    """The criterion's mask over untrained weights classifies better than that of large final magnitude."""
    return effect(best_rung(untrained(criterion)) - best_rung(untrained("large_final")))


@claim_per_criterion(CIRCLE)
def test_finds_planted_tickets(question, criterion):
    """Where the best ticket is known, ten rounds by the criterion find better ones than ten by magnitude."""
    mine = Arm(ToShare(criterion, 0.01, rounds=10, epochs=5), network=CIRCLE)
    return effect(score(mine) - score(multishot(CIRCLE, "magnitude", 0.01)))


@claim_per_criterion_and_network
def test_beats_random_on_network(question, criterion):
    """The networks that the criterion leaves of a network of yours are more accurate than randomly pruned ones."""
    return effect(gap(chain(criterion), RANDOM, question.rounds))


@claim_per_criterion_and_network
def test_tickets_match_dense_on_network(question, criterion):
    """Its tickets of a network of yours are no less accurate than that network."""
    return effect(gap(chain(criterion), DENSE, question.rounds))
