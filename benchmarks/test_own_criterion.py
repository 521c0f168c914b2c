"""What `--criterion NAME=FILE.py:FUNCTION` asks of a criterion of your own: a scoreboard, not a paper's claim."""

from lottery.claims.claim import claim_per_criterion, effect
from lottery.claims.image_quantities import accuracy
from lottery.claims.planted_quantities import score
from lottery.claims.quantities import highest, mean
from lottery.experiments.arms import Arm, ToShare
from lottery.experiments.named_arms import chain, multishot, untrained
from lottery.experiments.scales import SUPERMASK_ROUNDS

LENET, CIRCLE = "lenet-300-100", "planted-circle-5"


@claim_per_criterion(LENET)
def test_beats_random(question, criterion):
    """The networks that the criterion leaves are more accurate at high sparsity than randomly pruned ones."""
    return effect(mean(accuracy(chain(criterion), n) - accuracy(chain("random"), n) for n in question.rounds))


@claim_per_criterion(LENET)
def test_matches_large_final(question, criterion):
    """They are no less accurate than those that large final magnitude leaves."""
    return effect(mean(accuracy(chain(criterion), n) - accuracy(chain("large_final"), n) for n in question.rounds))


@claim_per_criterion(LENET)
def test_supermask_beats_large_final(question, criterion):
    """The criterion's mask over untrained weights classifies better than that of large final magnitude."""
    mine, large_final = untrained(criterion), untrained("large_final")
    return effect(
        highest(accuracy(mine, n) for n in SUPERMASK_ROUNDS)
        - highest(accuracy(large_final, n) for n in SUPERMASK_ROUNDS)
    )


@claim_per_criterion(CIRCLE)
def test_finds_planted_tickets(question, criterion):
    """Where the best ticket is known, ten rounds by the criterion find better ones than ten by magnitude."""
    mine = Arm(ToShare(criterion, 0.01, rounds=10, epochs=5), network=CIRCLE)
    return effect(score(mine) - score(multishot(CIRCLE, "magnitude", 0.01)))
