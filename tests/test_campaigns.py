"""Short campaigns against the suite from outside; `python -m tests.campaigns` has them at full length."""

import pytest

from tests.campaigns.__main__ import CAMPAIGNS


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_nothing_is_lost_wrong_or_hung(name):
    """A few of every campaign."""
    run, _, few = CAMPAIGNS[name]
    tally = run(few, 1)
    assert tally.tried >= few and not tally.stories, "\n".join(tally.stories)
