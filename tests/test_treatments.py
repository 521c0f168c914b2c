"""Treatments: where kept weights start."""

import pytest
import torch

from lottery import treatments
from lottery.errors import LotteryError
from lottery.networks import network
from lottery.perceptrons import initial_weights
from lottery.streams import stream

W_INIT = initial_weights(network("lenet-300-100"), 0)[1]  # (300, 100)


def start(name, *purpose):
    return treatments.find(name)(W_INIT, stream(0, *purpose))


def test_rewind_is_bit_equal():
    """A rewound weight is the initial one."""
    assert torch.equal(start("rewind"), W_INIT)


def test_reinit_draws_anew_from_the_same_distribution():
    """Different values and signs, the layer's nominal deviation, the same for the same stream."""
    drawn = start("reinit", 1)
    assert not (drawn == W_INIT).any()
    assert torch.equal(drawn, start("reinit", 1)) and not torch.equal(drawn, start("reinit", 2))
    assert drawn.std() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert (drawn.sign() == W_INIT.sign()).float().mean() == pytest.approx(0.5, abs=0.02)


def test_constant_has_one_magnitude_and_random_signs():
    """Plus or minus the layer's standard deviation, signs fair and independent of the initial ones."""
    drawn = start("constant", 1)
    assert drawn.abs().unique().tolist() == [pytest.approx(W_INIT.std(correction=0).item())]
    assert (drawn > 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert (drawn.sign() == W_INIT.sign()).float().mean() == pytest.approx(0.5, abs=0.02)


def test_constant_with_initial_sign_keeps_every_sign():
    """The same magnitude, every sign that of the initial weight."""
    drawn = start("constant_initial_sign")
    assert drawn.abs().unique().tolist() == [pytest.approx(W_INIT.std(correction=0).item())]
    assert torch.equal(drawn.sign(), W_INIT.sign())


def test_unknown_treatment_is_named():
    """The message says which treatments there are."""
    with pytest.raises(LotteryError, match="no treatment 'rewound'.*rewind"):
        treatments.find("rewound")
