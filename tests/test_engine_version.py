"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

from lottery.data import catalogue
from lottery.models import evaluation, initialisers
from lottery.store.fingerprints import source_digest
from lottery.training import fit, learned_masks

# The version and the engine's source for which it was last confirmed.
CONFIRMED = (2, "a014e2a6779af47a7e402571f9ab5c7a")


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `fit.VERSION`, so that results of the old engine are not reused; then confirm here."""
    source = source_digest(
        fit.train,
        evaluation.untrained_scores,
        learned_masks.Bernoulli,
        learned_masks.TopK,
        initialisers.initial_weights,
        *initialisers.INITIALISERS.values(),
        *catalogue.DATASETS.values(),
    )
    assert (fit.VERSION, source) == CONFIRMED
