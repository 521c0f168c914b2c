"""Attempts: who died with what is to be computed alone, and what several died of alone is given up."""

import pytest

from lottery.experiments import attempts
from lottery.experiments.attempts import Attempts, condemned, suspects


@pytest.mark.parametrize("alone, lost", [(0, False), (1, False), (2, True)])
def test_an_arm_is_given_up_after_two_deaths_of_its_own(alone, lost):
    """Those that died in company may be innocent."""
    deaths = [{"k1": "net, arm", "k2": "net, other"}, *[{"k1": "net, arm"}] * alone]
    assert set(attempts.condemned(deaths)) == ({"net, arm"} if lost else set())


def test_all_of_a_batch_are_suspects():
    """Of every process that died; a process alone knows of no deaths."""
    assert suspects([{"k1": "a", "k2": "b"}, {"k3": "a"}]) == {"k1", "k2", "k3"} and not suspects(Attempts().deaths())


def test_the_reason_says_what_and_how_often():
    """And what to do where memory is short."""
    why = condemned([{"k1": "net, arm"}] * 3)["net, arm"]
    assert "while they computed net, arm, 3 of them" in why and "-n1 a run needs the least memory" in why
