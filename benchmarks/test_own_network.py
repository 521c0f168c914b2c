"""What `--network NAME=FILE.py:FUNCTION` asks of a network of your own: a scoreboard, not a paper's claim."""

from lottery.claims.claim import claim_per_network, conjunction, effect
from lottery.claims.image_quantities import delay, gap, matching
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import branch, chain

TICKET, REINIT, RANDOM = chain("large_final"), branch("large_final", "reinit"), chain("random")


@claim_per_network
def test_tickets_match_the_dense_network(question):
    """Tickets lose less than a quarter of what random masks lose to the dense network."""
    match = matching(TICKET, DENSE, RANDOM, question.rounds)
    return conjunction(
        beside={"difference": match.difference}, not_worse=match.not_worse, control_loses=match.control_loses
    )


@claim_per_network
def test_tickets_beat_their_reinit(question):
    """Tickets are more accurate than the same masks with weights drawn anew."""
    return effect(gap(TICKET, REINIT, question.rounds))


@claim_per_network
def test_tickets_beat_random_masks(question):
    """Tickets are more accurate than random masks that keep as many weights of every layer."""
    return effect(gap(TICKET, RANDOM, question.rounds))


@claim_per_network
def test_tickets_stop_earlier(question):
    """Tickets reach their minimum validation loss before the dense network does."""
    return effect(delay(TICKET, DENSE, question.rounds))
