"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

from lottery import datasets, perceptrons, products, training
from lottery.fingerprints import source_digest

# The version and the engine's source for which it was last confirmed.
CONFIRMED = (2, "17a11917e9fe0342ff40124af281f5c2")


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `training.VERSION`, so that results of the old engine are not reused; then confirm here."""
    source = source_digest(training.train, training.test_accuracy, perceptrons.Perceptrons, products.product, *datasets.DATASETS.values())
    assert (training.VERSION, source) == CONFIRMED
