"""`--as`: the papers' claims with another criterion under a name of theirs, and other keys for that alone."""

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import key
from lottery.experiments.named_arms import branch, chain, multishot
from lottery.masks import contract, criteria, own_criteria, replaced_criteria
from lottery.masks.criteria import CRITERIA, REPLACED
from tests.own_criteria_helpers import SETTING, W_FINAL, scored

ARMS = (DENSE, chain("large_final"), branch("large_final", "reinit"), chain("random"), chain("movement"))


@pytest.fixture
def put():
    """A function that replaces criteria; all are put back afterwards."""
    names = []

    def replace(option):
        names.append(replaced_criteria.load(option))

    yield replace
    for name in names:
        replaced_criteria.forget(name)


def keys():
    """Return the keys of arms, by name."""
    return {
        arm.name: key(experiment(SETTING, arm, 1 if arm.by_round else 0, 0), "of the data", "float32") for arm in ARMS
    }


@pytest.mark.parametrize("what", ["small_final", "{file}:score", "mine"])
def test_only_what_it_touches_has_other_keys(put, load_own, tmp_path, what):
    """The name's chains and their branches, and those alone; afterwards everything is as before."""
    load_own(mine="def score(w_final):\n    return -w_final.abs()\n")
    before, registered, own = keys(), dict(CRITERIA), dict(own_criteria.FINGERPRINTS)
    replaced_criteria.load(f"large_final={what.format(file=tmp_path / 'mine.py')}")
    during = keys()
    assert contract.check("large_final") == []
    assert scored("large_final") == (-W_FINAL[0].abs()).tolist()
    replaced_criteria.forget("large_final")
    assert {name for name in before if before[name] != during[name]} == {
        arm.name for arm in ARMS if "large_final" in arm.name
    }
    assert keys() == before and registered == CRITERIA and own == own_criteria.FINGERPRINTS and not REPLACED


def test_an_edit_is_another_key(put, load_own, tmp_path):
    """Two files under one name of the paper's never share results."""
    found = []
    for sign in ("", "-"):
        load_own(mine=f"def score(w_final):\n    return {sign}w_final.abs()\n")
        replaced_criteria.load(f"large_final={tmp_path / 'mine.py'}:score")
        found.append(keys()[chain("large_final").name])
        replaced_criteria.forget("large_final")
    assert len(set(found)) == 2


def test_two_can_change_places(put):
    """What stands for a name is the suite's own of the other name, whatever stands for that."""
    put("large_final=small_final")
    put("small_final=large_final")
    assert scored("large_final") == (-W_FINAL[0].abs()).tolist() and scored("small_final") == W_FINAL[0].abs().tolist()


def test_messages_say_what_it_is(put, tmp_path):
    """An error in training, or of the contract, names the file as well."""
    (tmp_path / "bad.py").write_text("def score(w_final):\n    return w_final.abs_()\n")
    put(f"large_final={tmp_path / 'bad.py'}:score")
    with pytest.raises(LotteryError, match=r"criterion 'large_final', which is .*bad.py:score here, changes `w_final`"):
        contract.check("large_final")
    with pytest.raises(LotteryError, match="'large_final' is .*bad.py:score already"):
        replaced_criteria.load("large_final=random")


@pytest.mark.parametrize(
    "option, message",
    [
        ("large_final", "write it as NAME=FILE.py:FUNCTION or NAME=CRITERION"),
        ("large_finl=random", "'large_finl' is none; did you mean large_final"),
        ("large_final=randm", "'randm' is none; did you mean random"),
        ("large_final=large_final", "would be what it is"),
        ("large_final=nowhere.py:score", "there is no file"),
        ("large_final={file}:scor", "has no function 'scor', written with def or lambda; did you mean score?"),
        ("large_final={file}:odd", "asks for w_fnal"),
    ],
)
def test_what_cannot_be_is_one_message(tmp_path, option, message):
    """And nothing is replaced."""
    before = dict(CRITERIA)
    (tmp_path / "a.py").write_text("def score(w_final):\n    return w_final\ndef odd(w_fnal):\n    return w_fnal\n")
    option = option.format(file=tmp_path / "a.py")
    with pytest.raises(LotteryError) as error:
        replaced_criteria.load(option)
    assert str(error.value).startswith(f"--as {option}: ") and message in str(error.value)
    assert before == CRITERIA and not REPLACED


def test_planted_searches_are_touched(put):
    """Magnitude in ten rounds is large_final, too."""
    assert multishot("planted-circle-5", "magnitude", 0.01).mask.criterion == "large_final"
    assert torch.equal(criteria.large_final(W_FINAL), W_FINAL.abs())
