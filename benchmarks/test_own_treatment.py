"""What `--treatment` asks of a treatment of your own: Zhou et al.'s questions about kept and about pruned weights."""

from lottery.claims.claim import claim_per_kept_treatment, claim_per_pruned_treatment, effect
from lottery.claims.image_quantities import accuracy, best_rung, gap
from lottery.experiments.named_arms import chain, learned, one_shot, untrained

LENET, CONV = "lenet-300-100", "conv-2"
TICKET, RANDOM = chain("large_final"), chain("random")


@claim_per_kept_treatment(LENET)
def test_matches_rewinding(question, treatment):
    """Networks whose kept weights start so are no less accurate than the rewound ticket."""
    return effect(gap(chain("large_final", treatment), TICKET, question.rounds))


@claim_per_kept_treatment(LENET)
def test_beats_reinit(question, treatment):
    """They are more accurate than networks whose kept weights are drawn anew."""
    return effect(gap(chain("large_final", treatment), chain("large_final", "reinit"), question.rounds))


@claim_per_kept_treatment(LENET)
def test_beats_random_masks(question, treatment):
    """They are more accurate at high sparsity than randomly pruned networks that are rewound."""
    return effect(gap(chain("large_final", treatment), RANDOM, question.rounds))


@claim_per_kept_treatment(CONV)
def test_convolutions_beat_constants(question, treatment):
    """In a convolutional network that is pruned at once they beat constants with random signs."""
    return effect(gap(one_shot("large_final", treatment), one_shot("large_final", "constant"), question.rounds))


@claim_per_kept_treatment(LENET)
def test_helps_heuristic_masks(question, treatment):
    """Untrained, under the same-sign mask, they classify better than the initial weights."""
    return effect(
        best_rung(untrained("large_final_same_sign", treatment)) - best_rung(untrained("large_final_same_sign"))
    )


@claim_per_kept_treatment(LENET)
def test_helps_learned_masks(question, treatment):
    """A trained mask over weights that start so is better than one over the initial weights."""
    return effect(accuracy(learned(treatment), 0, at="end") - accuracy(learned(), 0, at="end"))


@claim_per_pruned_treatment(LENET)
def test_pruned_weights_match_zero(question, treatment):
    """Networks whose pruned weights are frozen so are no less accurate than with all of them at zero."""
    return effect(gap(chain("large_final", pruned=treatment), TICKET, question.rounds))


@claim_per_pruned_treatment(LENET)
def test_pruned_weights_beat_initial_values(question, treatment):
    """They are more accurate than with all pruned weights frozen at their initial values."""
    return effect(gap(chain("large_final", pruned=treatment), chain("large_final", pruned="init"), question.rounds))


@claim_per_pruned_treatment(LENET)
def test_pruned_weights_beat_random_masks(question, treatment):
    """They are more accurate at high sparsity than randomly pruned networks that are rewound."""
    return effect(gap(chain("large_final", pruned=treatment), RANDOM, question.rounds))
