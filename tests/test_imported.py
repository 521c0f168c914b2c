"""Imports that wait: nothing is imported before it is used, and then it is what the module has."""

import sys

from lottery.core.imported import Imported


def test_it_is_imported_when_it_is_used(monkeypatch):
    """Looked at, as inspect and doctest look at everything, it is not."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    later = Imported("colorsys", "rgb_to_hls")
    assert not hasattr(later, "__wrapped__") and "colorsys" not in sys.modules
    assert later(1.0, 0.0, 0.0) == (0.0, 0.5, 1.0) and "colorsys" in sys.modules


def test_attributes_are_those_of_what_it_stands_for():
    """Such as the methods of a distribution."""
    assert Imported("fractions", "Fraction").from_float(0.5) == 0.5
