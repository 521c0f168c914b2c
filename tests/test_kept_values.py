"""Kept values: where the treatments let kept weights start."""

import functools
from collections import Counter
from itertools import permutations

import pytest
import torch
from scipy import stats

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.masks.kept_values import TREATMENTS
from lottery.models.architectures import network
from lottery.models.initialisers import INITIALISERS, initial_weights
from lottery.models.layers import HIDDEN, Layer

LENET = network("lenet-300-100")
W_INIT = initial_weights(LENET, 0)[1]  # (300, 100)
INITIALISER = functools.partial(INITIALISERS.find(LENET.initialiser), LENET.layers[1])
FEW = torch.tensor([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
KEPT = torch.tensor([[True, False, True], [True, True, False]])
MASK = torch.rand(W_INIT.shape, generator=torch.Generator().manual_seed(0)) < 0.3


def start(name, *purpose, w_start=W_INIT):
    return TREATMENTS.call(
        name, w_init=W_INIT, w_start=w_start, mask=MASK, initialiser=INITIALISER, generator=stream(0, *purpose)
    )


def few(name, number):
    """Return what a treatment makes of the four kept values of a layer of six."""
    initialise = functools.partial(INITIALISERS.find(LENET.initialiser), Layer("dense1", tuple(FEW.shape), HIDDEN, "0"))
    drawn = TREATMENTS.call(
        name, w_init=FEW, w_start=FEW, mask=KEPT, initialiser=initialise, generator=stream(number, "few")
    )
    return drawn[KEPT]


def test_rewind_is_bit_equal():
    """A rewound weight is the initial one."""
    assert torch.equal(start("rewind"), W_INIT)


def test_reinit_draws_anew_from_the_same_distribution():
    """Different values and signs, by Kolmogorov and Smirnov the same distribution, the same for the same stream."""
    drawn = start("reinit", 1)
    assert not (drawn == W_INIT).any()
    assert torch.equal(drawn, start("reinit", 1)) and not torch.equal(drawn, start("reinit", 2))
    scaled = drawn.flatten().double().numpy() / (2 / 400) ** 0.5
    assert stats.kstest(scaled, stats.truncnorm(-2, 2).cdf).pvalue > 0.001
    assert (drawn.sign() == W_INIT.sign()).float().mean() == pytest.approx(0.5, abs=0.02)


def test_constant_has_one_magnitude_and_random_signs():
    """Plus or minus the layer's standard deviation, signs fair and independent of the initial ones."""
    drawn = start("constant", 1)
    assert drawn.abs().unique().tolist() == [pytest.approx(W_INIT.std(correction=0).item())]
    assert (drawn > 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert (drawn.sign() == W_INIT.sign()).float().mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", ["constant", "reinit"])
def test_signs_are_coins_of_their_own(name):
    """No row, no column, no layer has more even or less even signs than as many coins: chi-square of their counts."""
    positive = (start(name, 1) > 0).double()
    layers = torch.stack([(few(name, number) > 0).double() for number in range(1_000)])
    for coins in (positive, positive.t(), layers):
        tosses = coins.shape[1]
        deviance = float(((coins.sum(1) - tosses / 2) ** 2 / (tosses / 4)).sum())
        assert 1e-4 < stats.chi2(len(coins)).cdf(deviance) < 1 - 1e-4
    agreement = (positive[1:] == positive[:-1]).double().mean().item()
    assert agreement == pytest.approx(0.5, abs=4 * (0.25 / positive.numel()) ** 0.5)


def test_constant_with_initial_sign_keeps_every_sign():
    """The same magnitude, every sign that of the initial weight."""
    drawn = start("constant_initial_sign")
    assert drawn.abs().unique().tolist() == [pytest.approx(W_INIT.std(correction=0).item())]
    assert torch.equal(drawn.sign(), W_INIT.sign())


@pytest.mark.parametrize("name", ["reinit", "reshuffle", "constant"])
def test_with_initial_sign_keeps_signs_and_magnitudes(name):
    """The signed version has the unsigned one's magnitudes and the initial signs."""
    plain, signed = start(name, 1), start(f"{name}_initial_sign", 1)
    kept = MASK if name == "reshuffle" else torch.ones_like(MASK)
    assert torch.equal(plain[kept].abs(), signed[kept].abs())
    assert torch.equal(signed[kept].sign(), W_INIT[kept].sign())
    assert not torch.equal(plain[kept].sign(), signed[kept].sign())


def test_reshuffle_permutes_kept_values():
    """The same values at other kept places, drawn from the stream, from wherever the round before started."""
    drawn = start("reshuffle", 1)
    assert torch.equal(drawn[MASK].sort().values, W_INIT[MASK].sort().values)
    assert (drawn[MASK] == W_INIT[MASK]).float().mean() < 0.01
    other = start("reshuffle", 1, w_start=2 * W_INIT)
    assert torch.equal(other[MASK], 2 * drawn[MASK])


def test_reshuffling_knows_every_order():
    """All 24 orders of four kept values come equally often, not only those that turn them round in a circle."""
    orders = Counter(tuple(few("reshuffle", number).tolist()) for number in range(4_800))
    assert set(orders) == set(permutations(FEW[KEPT].tolist()))
    assert stats.chisquare(list(orders.values())).pvalue > 1e-4


def test_resample_draws_from_the_tickets_own_values():
    """Only values that the ticket keeps, some of them twice."""
    drawn = start("resample", 1)[MASK]
    assert set(drawn.tolist()) <= set(W_INIT[MASK].tolist())
    assert 0.55 < len(drawn.unique()) / len(drawn) < 0.72  # 1 - 1/e of them


def test_resampling_favours_none():
    """Of four kept values each is drawn as often, the first and the last as well: Pearson's chi-square of 40,000."""
    drawn = torch.stack([few("resample", number) for number in range(10_000)])
    counts = [int((drawn == value).sum()) for value in FEW[KEPT]]
    assert sum(counts) == drawn.numel() and stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    "name, deviations", [("noise_half", 0.5), ("noise_one", 1), ("noise_two", 2), ("noise_three", 3)]
)
def test_noise_has_its_size(name, deviations):
    """Gaussian by Kolmogorov and Smirnov, in units of the layer's deviation, whatever the size of a weight."""
    noise = (start(name, 1) - W_INIT).flatten().numpy() / (deviations * W_INIT.std(correction=0).item())
    assert stats.kstest(noise, stats.norm.cdf).pvalue > 0.001
    assert stats.spearmanr(abs(noise), W_INIT.abs().flatten().numpy()).pvalue > 0.001


def test_unknown_treatment_is_named():
    """The message says which treatments there are."""
    with pytest.raises(LotteryError, match="no treatment 'rewound'.*rewind"):
        TREATMENTS.find("rewound")
