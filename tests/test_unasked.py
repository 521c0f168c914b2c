"""What was given and nothing selected asks anything of: it is said once, with what would ask."""

from types import SimpleNamespace

import pytest

from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import branch, chain
from lottery.plugin.unasked import ASKS, lacking, unasked
from tests.own_criteria_helpers import SETTING

GIVEN = {
    "criterion": ["mine=mine.py:score", "movement"],
    "treatment": ["start=mine.py:start"],
    "network": ["net=net.py:network"],
    "dataset": ["points=points.py:data"],
    "as": ["random=mine.py:score"],
}


def claim(*arms, subject="", network=""):
    """A claim as it is asked, of what is a user's own or of arms."""
    experiments = tuple(experiment(SETTING, arm, 1, 0) for arm in arms)
    return SimpleNamespace(claim=SimpleNamespace(subject=subject, network=network), all_experiments=experiments)


def names(given, *asked, words=""):
    return [line.partition("'")[2].partition("'")[0] for line in unasked(given, asked, words)]


def test_what_is_asked_nothing_is_told_with_what_would():
    """Each in a line, in the order of the options; of what was selected by nothing, no -k has to be left out."""
    lines = unasked(GIVEN, [claim(chain("large_final"))], "small or large")
    assert lines[0] == (
        "nothing that is selected by -k 'small or large' asks anything of the criterion 'mine': "
        "-k own_criterion does, or leave out -k"
    )
    assert lines[-1].endswith(
        "rests on the criterion 'random', so that --as changes nothing: select a claim whose masks come from it, "
        "or leave out -k"
    )
    assert len(lines) == 6 and all(asks in line for line, asks in zip(lines[1:], ASKS.values()))
    assert "-k" not in unasked({"as": ["random=x"]}, [], "")[0]


@pytest.mark.parametrize(
    "asked, kind",
    [
        (claim(subject="mine"), "criterion"),
        (claim(branch("mine", "rewind")), "criterion"),
        (claim(subject="start"), "treatment"),
        (claim(chain("large_final", "start")), "treatment"),
        (claim(network="net"), "network"),
        (claim(chain("random")), "as"),
    ],
)
def test_what_is_asked_something_is_not(asked, kind):
    """By a question about it, or by a claim of one's own that names it in its arms."""
    assert names({kind: GIVEN[kind][:1]}) != [] == names({kind: GIVEN[kind][:1]}, asked)


def test_data_are_asked_by_a_network_that_is_trained_on_them():
    """Of whichever name."""
    assert names({"dataset": [f"{SETTING.dataset}=x.py:f", "points=x.py:f"]}, claim(chain("random"))) == ["points"]


def test_a_criterion_in_the_place_of_another_is_not_given_in_vain():
    """Where that changes nothing, its own line says so."""
    assert names({"criterion": ["mine=mine.py:score"], "as": ["random=mine"]}) == ["random"]


def test_questions_about_ones_own_say_which_option_they_lack():
    """By words of -k or by their file; where it is given, or other claims were meant, nothing is lacking."""
    none = dict.fromkeys(ASKS, ())
    told = "own_criterion is asked of a criterion of yours, add --criterion NAME=FILE.py:FUNCTION"
    assert lacking("own_criterion and beats", none) == lacking("benchmarks/test_own_criterion.py", none) == told
    assert lacking("own_criterion or own_network", none).startswith(f"{told}; own_network is asked of a network of")
    assert lacking("own_criterion", GIVEN) == lacking("signs", none) == ""
