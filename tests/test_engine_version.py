"""The engine's version is declared, not computed: this reminds whoever edits the engine to think about it."""

from lottery.data import catalogue
from lottery.models import matmul, perceptrons
from lottery.store.fingerprints import source_digest
from lottery.training import fit

# The version and the engine's source for which it was last confirmed.
CONFIRMED = (2, "be30dbf219091eca0042a376fd96b4e8")


def test_version_was_confirmed_for_this_source():
    """If an edit can change a result, raise `fit.VERSION`, so that results of the old engine are not reused; then confirm here."""
    source = source_digest(
        fit.train, fit.test_accuracy, perceptrons.Perceptrons, matmul.product, *catalogue.DATASETS.values()
    )
    assert (fit.VERSION, source) == CONFIRMED
