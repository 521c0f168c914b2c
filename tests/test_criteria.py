"""Criteria: formulas, what they may ask for, and what is wrong with a criterion of one's own."""

import sys

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.masks import criteria, own_criteria, surroundings

W_INIT = torch.tensor([[1.0, -2.0, 3.0, -4.0]])
W_FINAL = torch.tensor([[-5.0, -1.0, 2.0, 0.5]])
MASK = torch.ones(1, 4, dtype=torch.bool)


@pytest.fixture
def own(load_source):
    """A function that loads a criterion from source."""
    return lambda source: load_source(own_criteria, source, "mine", "score")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("large_final", [5, 1, 2, 0.5]),
        ("small_final", [-5, -1, -2, -0.5]),
        ("large_init", [1, 2, 3, 4]),
        ("large_final_same_sign", [0, 1, 2, 0]),
        ("random", [0, 0, 0, 0]),
        ("small_init", [-1, -2, -3, -4]),
        ("magnitude_increase", [4, -1, -1, -3.5]),
        ("movement", [6, 1, 1, 4.5]),
        ("large_final_diff_sign", [5, 0, 0, 0.5]),
        ("magnitude_increase_same_sign", [0, -1, -1, 0]),
        ("magnitude_increase_diff_sign", [4, 0, 0, -3.5]),
        ("large_init_large_final", [0, 0.25, 0.5, 0]),  # percentiles 0 1/4 1/2 3/4 before, 3/4 1/4 1/2 0 after
        ("small_init_small_final", [-0.75, -0.25, -0.5, -0.75]),
    ],
)
def test_formulas(name, expected):
    """Scores of weights of both signs, worked out by hand from Zhou et al.'s formulas."""
    assert criteria.score(name, w_init=W_INIT, w_final=W_FINAL, mask=MASK, generator=None)[0].tolist() == expected


@pytest.mark.parametrize("name", sorted(criteria.CRITERIA))
def test_criteria_of_the_suite_change_nothing_around_them(name):
    """Nothing is put back after them: no global random number is drawn, no setting changed, no argument written to."""
    offered = {"w_init": W_INIT, "w_final": W_FINAL, "mask": MASK, "generator": torch.Generator()}
    offered |= dict.fromkeys(criteria.DERIVATIVES, W_FINAL)
    before = {argument: value.clone() for argument, value in offered.items() if isinstance(value, torch.Tensor)}
    settings = {what: read() for what, (read, _) in surroundings.SETTINGS.items()}
    drawn = torch.get_rng_state()
    with surroundings.whole() as replaced:
        criteria.score(name, **offered)
    assert not replaced and torch.equal(torch.get_rng_state(), drawn)
    assert settings == {what: read() for what, (read, _) in surroundings.SETTINGS.items()}
    assert all(torch.equal(offered[argument], value) for argument, value in before.items())


def test_aligned_percentiles_are_of_the_unpruned_weights():
    """Pruned weights do not count, and what is kept lies above a common percentile before and after training."""
    mask = torch.tensor([[True, True, False, True]])
    scores = criteria.score("large_init_large_final", w_init=W_INIT, w_final=W_FINAL, mask=mask, generator=None)[0]
    assert scores.tolist() == [0, pytest.approx(1 / 3), 0, 0]
    generator = torch.Generator().manual_seed(0)
    w_init, w_final = torch.randn(1, 999, generator=generator), 3 * torch.randn(1, 999, generator=generator)
    everything = torch.ones(1, 999, dtype=torch.bool)
    scores = criteria.score("large_init_large_final", w_init=w_init, w_final=w_final, mask=everything, generator=None)
    kept = scores > scores.median()
    common = (kept & everything)[0]
    for values in (w_init.abs()[0], w_final.abs()[0]):
        assert values[common].min() > values.quantile(scores.median().item())


def test_needs_training_is_read_from_the_arguments():
    """What asks for nothing final prunes before training."""
    before = {"large_init", "small_init", "random", "snip_init", "grasp_init", "synflow_init"}
    assert {name for name in criteria.CRITERIA if not criteria.needs_training(name)} == before


def test_same_sign_of_zero_is_no_sign():
    """A weight that started at exactly zero has no sign to keep unless it ends at zero."""
    scores = criteria.score(
        "large_final_same_sign",
        w_init=torch.zeros(1, 2),
        w_final=torch.tensor([[0.0, 3.0]]),
        mask=MASK[:, :2],
        generator=None,
    )
    assert scores[0].tolist() == [0, 0]


def test_own_criterion_is_loaded(own):
    """A function of a file scores under its new name, with helpers of its file."""
    assert (
        own(
            "def helper(w):\n    return w.abs()\n"
            "def score(w_init, w_final):\n    return helper(w_final) - helper(w_init)\n"
        )
        == "mine"
    )
    assert criteria.score("mine", w_init=W_INIT, w_final=W_FINAL, mask=MASK, generator=None)[0].tolist() == [
        4,
        -1,
        -1,
        -3.5,
    ]


@pytest.mark.parametrize(
    "source, message",
    [
        (
            "def score(w_init, weights):\n    return weights",
            "asks for weights; a criterion can ask for w_init, w_final, mask, generator",
        ),
        (
            "def score(w_init, mask=None, power=2):\n    return w_init",
            "'mine' asks for power; a criterion can ask for .*, by these names; set power above the function instead",
        ),
        (
            "def score(*given):\n    return 1",
            r"'mine' takes \*given, which does not say what it asks for; name that, a",
        ),
        ("def score(w_init, **rest):\n    return 1", r"'mine' takes \*\*rest, which does not say what it asks for"),
        (
            "def score(w_init, /):\n    return 1",
            "'mine' takes w_init by its place alone, and is given it by name; leave",
        ),
        ("def other(w_init):\n    return w_init", "has no function 'score'"),
        ("score = 3", "score in .*mine.py is of type int, not a function, written with def"),
        ("import torch\nscore = torch.abs", "has no function 'score', written with def"),
        ("import sys\nsys.exit(3)", "raised .*SystemExit"),
        ("import nowhere_to_be_found", "importing .* raised .*ModuleNotFoundError"),
        ("def score(w_init:\n", "raised SyntaxError"),
    ],
)
def test_bad_file_is_one_message(own, source, message):
    """What is wrong with the file is said at once."""
    with pytest.raises(LotteryError, match=message):
        own(source)


def test_own_criterion_is_named_by_its_files(own, tmp_path):
    """An edit anywhere in its file, or in a file beside it that it imports, makes it another criterion in the store."""
    (tmp_path / "beside_mine.py").write_text("POWER = 1\n")
    texts = []
    for source, power in [("", 1), ("# edited\n", 1), ("", 2)]:
        (tmp_path / "beside_mine.py").write_text(f"POWER = {power}\n")
        sys.modules.pop("beside_mine", None)
        own(source + "from beside_mine import POWER\ndef score(w_final):\n    return w_final.abs() ** POWER\n")
        texts.append(own_criteria.FINGERPRINTS["mine"])
        own_criteria.forget("mine")
    sys.modules.pop("beside_mine", None)
    assert len(set(texts)) == 3


@pytest.mark.parametrize(
    "source, message",
    [
        ("def score(w_final):\n    return w_final.sum()", r"returned \(\) for a layer of shape \(1, 4\)"),
        ("def score(w_final):\n    return None", "returned NoneType"),
        ("def score(w_final):\n    return w_final * float('nan')", "returned NaN"),
        ("def score(w_final):\n    return 1 / 0", "raised .*ZeroDivisionError"),
    ],
)
def test_bad_scores_are_one_message(own, source, message):
    """What is wrong with the scores is said with the criterion's name."""
    own(source)
    with pytest.raises(LotteryError, match=f"criterion 'mine' {message}"):
        criteria.score("mine", w_init=W_INIT, w_final=W_FINAL, mask=MASK, generator=None)


@pytest.mark.parametrize(
    "option, message",
    [
        ("mine", "write it as NAME=FILE.py:FUNCTION"),
        ("mine=mine.py", "write it as NAME=FILE.py:FUNCTION"),
        ("my criterion=mine.py:score", "write it as NAME=FILE.py:FUNCTION"),
        ("large_final=mine.py:score", "there is a criterion 'large_final' already"),
        ("mine=nowhere.py:score", "there is no file"),
    ],
)
def test_bad_option_is_one_message(option, message):
    """Malformed options are told apart."""
    with pytest.raises(LotteryError, match=message):
        own_criteria.load(option)


def test_unknown_criterion_is_named():
    """The message says which criteria there are."""
    with pytest.raises(LotteryError, match="no criterion 'largest'.*large_final"):
        criteria.CRITERIA.find("largest")
