"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

from lottery.data import catalogue
from lottery.models import evaluation, initialisers, model
from lottery.store.fingerprints import source_digest
from lottery.training import fit, learned_masks

# The version and the engine's source for which it was last confirmed.
CONFIRMED = (2, "9ffc7187354b6f9d22960ea536c8ca2d")


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `fit.VERSION`: results of the old engine are then not reused."""
    source = source_digest(
        fit.fit,
        fit.observers_for,
        model.model_of,
        evaluation.untrained_scores,
        learned_masks.Bernoulli,
        learned_masks.TopK,
        initialisers.initial_weights,
        *initialisers.INITIALISERS.values(),
        *catalogue.DATASETS.values(),
    )
    assert (fit.VERSION, source) == CONFIRMED
