"""Claims of our own: what the papers leave open."""

from lottery.claims.claim import claim, conjunction, effect, proportion
from lottery.claims.image_quantities import accuracy, gap
from lottery.claims.planted_quantities import enrichment, recall_above_chance, score
from lottery.experiments.named_arms import at, chain, edge_popup, learned, multishot, one_shot, singleshot

LENET, CIRCLE = "lenet-300-100", "planted-circle-5"
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
