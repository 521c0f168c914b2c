"""Claims of our own: what the papers leave open."""

from lottery.arms import edge_popup, learned
from lottery.claims import claim, effect
from lottery.quantities import accuracy

LENET = "lenet-300-100"


@claim(LENET)
def test_edge_popup_matches_bernoulli_masks(question):
    """Scores of which each layer keeps the best half find masks as good as Bernoulli masks, which keep about half."""
    return effect(accuracy(edge_popup(0.5), 0, at="end") - accuracy(learned(), 0, at="end"))
