"""Masks that are drawn by a counter: SplitMix64, uniform, everybody's own, and otherwise what drawn masks are."""

import functools

import pytest
import torch
from scipy import stats

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.training.counted_masks import GAMMA, CountedBernoulli, CountedUniforms, mixed, resident
from lottery.training.learned_masks import Bernoulli
from lottery.training.parametrisation import Identity
from tests.conftest import SMALL, replica
from tests.recorded_graph import stand_in
from tests.test_learned_masks import LAYOUT, bernoulli
from tests.test_step import LARGE_STEPS
from tests.training_helpers import train

WORD = 2**64


def split_mix(state):
    """Return SplitMix64's next number by whole numbers of Python, as its authors print it."""
    bits = (state + (GAMMA % WORD)) % WORD
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) % WORD
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) % WORD
    return bits ^ bits >> 31


def drawn(seeds, count, times=1):
    """Return the numbers (times, R, count) of some seeds' streams."""
    uniforms = CountedUniforms([stream(seed, "mask") for seed in seeds], count, torch.device("cpu"))
    rows = torch.empty(times, len(seeds), count)
    for row in rows:
        uniforms.fill(row)
    return rows


def test_numbers_are_those_of_the_published_generator():
    """The first three from the state 1234567 as published, and thousands more by whole numbers."""
    states = [(1234567 + place * GAMMA) % WORD for place in range(2000)]
    ours = [int(of) % WORD for of in mixed(torch.tensor([(s + GAMMA + 2**63) % WORD - 2**63 for s in states]))]
    assert ours[:3] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert ours == list(map(split_mix, states))


def test_numbers_depend_on_key_draw_and_place_alone():
    """Whoever shares the batch, however many places there are, even or odd: bit for bit the same."""
    together, alone, fewer = drawn((3, 1, 2), 1001, 3), drawn((1,), 1001, 3), drawn((1, 2), 500, 3)
    assert torch.equal(together[:, 1:2], alone) and torch.equal(together[:, 1:, :500], fewer)


def test_numbers_are_uniform_and_independent():
    """By Kolmogorov and Smirnov; and neighbours in place, draw and seed, and halves of a word, are uncorrelated."""
    numbers = drawn(range(20), 1000, 20)  # (draws, seeds, places)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert stats.kstest(numbers.flatten().numpy(), "uniform").pvalue > 1e-3
    centred = (numbers - 0.5) * 12**0.5
    pairs = {
        "places": centred[..., 1:] * centred[..., :-1],
        "two places on": centred[..., 2:] * centred[..., :-2],
        "draws": centred[1:] * centred[:-1],
        "seeds": centred[:, 1:] * centred[:, :-1],
    }
    for name, products in pairs.items():
        assert abs(products.mean().item()) * products.numel() ** 0.5 < 4, name
    bits = (numbers * 2**24).int()
    for bit in range(24):
        share = (bits >> bit & 1).double().mean().item()
        assert abs(share - 0.5) * 2 * bits.numel() ** 0.5 < 4.5, bit


def test_every_weight_is_kept_by_its_own_chance():
    """Wherever it lies: over 400 masks the counts scatter about 400 sigmoid(s) as binomial ones do, by chi-square."""
    one, kept = CountedBernoulli(bernoulli(seeds=(0,), dtype=torch.float32)), 0
    one.trained += torch.randn(one.trained.shape, generator=torch.Generator().manual_seed(3))
    weights = slice(0, LAYOUT.weights[-1].stop)
    chance = torch.sigmoid(one.trained[0, weights]).double()
    for _ in range(400):
        one.refresh()
        kept = kept + one._kept[0, weights]
    deviance = float(((kept - 400 * chance) ** 2 / (400 * chance * (1 - chance))).sum())
    assert 1e-4 < stats.chi2(len(chance)).cdf(deviance) < 1 - 1e-4


@pytest.mark.parametrize("rescaled", [False, True])
def test_masks_learn_as_drawn_ones_do(digits, monkeypatch, rescaled):
    """Far above chance and as well as those that streams draw, whoever shares the batch, frozen weights frozen."""

    def run(seeds):
        streams = [stream(seed, "mask") for seed in seeds]
        parametrise = functools.partial(Bernoulli, layout=LAYOUT, streams=streams, rescaled=rescaled)
        return train(SMALL, digits, LARGE_STEPS, [replica(SMALL, seed) for seed in seeds], parametrise=parametrise)

    drawn = run((0, 1, 2))
    stand_in(monkeypatch)
    counted, alone = run((0, 1, 2)), run((1,))
    for ours, theirs in zip(counted, drawn):
        assert ours.measurements["test_accuracy_end"] == pytest.approx(theirs.measurements["test_accuracy_end"], abs=12)
        assert 0 < ours.measurements["test_accuracy_deviation"] < 12
    assert torch.equal(counted[1].final, alone[0].final) and counted[1].measurements == alone[0].measurements


def test_on_a_processor_nothing_changes():
    """Parametrisations there stay what they are, to the object."""
    one = bernoulli()
    assert resident(one) is one and type(one) is Bernoulli
    plain = Identity(torch.zeros(1, network(SMALL).layout.size))
    assert resident(plain) is plain
