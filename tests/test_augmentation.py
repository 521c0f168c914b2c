"""Augmentation: against torchvision image by image, and as laws of what is drawn, by whom, and when."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from scipy import stats
from torch import nn
from torchvision.transforms import functional

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part, shaped
from lottery.models.architectures import network
from lottery.models.perceptrons import Perceptrons
from lottery.training.augmentation import FlipAndCrop
from lottery.training.config import Config
from lottery.training.data_order import DataOrder, ReplicaData
from lottery.training.fit import fit, observers_for
from lottery.training.parametrisation import Identity
from tests.conftest import SMALL, replica

CPU = torch.device("cpu")
CONFIG = Config("adam", 1e-2, 20, 60, 20, augmentation="flip and crop")
IMAGE = (1, 8, 8)
VARIANTS = 162  # mirrored or not, nine shifts down and nine to the right


def one_by_one(image, variant):
    """Return the variant of an image (C, H, W) by torchvision's own functions."""
    down, right, mirrored = variant // 18, variant // 2 % 9, variant % 2
    cropped = functional.crop(functional.pad(image, [4, 4, 4, 4]), down, right, *image.shape[1:])
    return functional.hflip(cropped) if mirrored else cropped


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (2, 6, 9)])
def test_variants_are_torchvisions(shape):
    """All 162 of them, in channels that differ and in images that are not square; to the bit."""
    images = torch.randn(162, *shape, generator=stream(0, "test"))
    expected = torch.stack([one_by_one(image, variant) for variant, image in enumerate(images)])
    found = FlipAndCrop(images)(images, torch.arange(162))
    assert torch.equal(found, expected) and len(found.flatten(1).unique(dim=0)) == 162


@pytest.mark.parametrize("padding, mirrored", [(2, True), (1, True), (2, False), (1, False)])
def test_paddings_are_torchvisions_too(padding, mirrored):
    """With and without mirrored images; every variant once."""
    images = torch.randn(3, 2, 8, 7, generator=stream(0, "test"))
    vary = FlipAndCrop(images, f"flip and crop by {padding}" if mirrored else f"crop by {padding}")
    shifts = [(down, right) for down in range(2 * padding + 1) for right in range(2 * padding + 1)]
    expected = [(shift, flip) for shift in shifts for flip in (False, True)[: 1 + mirrored]]
    assert vary.variants == len(expected)
    for variant, ((down, right), flip) in enumerate(expected):
        cropped = functional.crop(functional.pad(images, [padding] * 4), down, right, 8, 7)
        found = vary(images, torch.full((3,), variant))
        assert torch.equal(found, functional.hflip(cropped) if flip else cropped)


def test_a_training_varies_images_by_its_own_padding(images):
    """The variants of its augmentation are drawn, and no others."""
    for name, variants in (("flip and crop", 162), ("flip and crop by 2", 50), ("crop by 1", 9), ("", 1)):
        assert ReplicaData(images, 2, name).variants == variants
    paddings = ("flip and crop", "flip and crop by 2", "crop by 2", "")
    ends = [trained(images, replace(CONFIG, augmentation=name), [0])[0].final for name in paddings]
    assert all(not torch.equal(one, other) for one, other in combinations(ends, 2))


@pytest.fixture(scope="module")
def images(digits):
    """The digits as images."""
    return shaped(digits, IMAGE, "some network")


def drawn(orders, batches, images=400, batch_size=20):
    """Return the places and variants (batches, R, B) that so many batches are made of."""
    order = DataOrder(orders, images, batch_size, CPU, VARIANTS)
    found = torch.stack([next(order) for _ in range(batches)])
    return found // VARIANTS, found % VARIANTS


class TestDrawn:
    def test_all_variants_are_equally_likely(self):
        """Pearson's test, for the variants and for pairs of images that follow on each other."""
        _, variants = drawn([(3, "data order", 0)], 2_000)
        counts = variants.flatten().bincount(minlength=162)
        assert len(counts) == 162 and stats.chisquare(counts.numpy()).pvalue > 1e-4
        coarse = variants.flatten() * 9 // 162 * 2 + variants.flatten() % 2  # nine rows, each mirrored or not
        pairs = (coarse[:-1] * 18 + coarse[1:]).bincount(minlength=18**2)
        assert stats.chisquare(pairs.numpy()).pvalue > 1e-4

    def test_the_order_of_images_is_that_without_augmentation(self):
        """What varies images draws from a stream of its own."""
        plain = DataOrder([(3, "data order", 0)], 400, 20, CPU)
        places, _ = drawn([(3, "data order", 0)], 50)
        assert torch.equal(places, torch.stack([next(plain) for _ in range(50)]))

    def test_every_seed_and_round_has_variants_of_its_own(self):
        """They agree with another's as often as chance has it; replicas of one order see the same variants."""
        orders = [(seed, "data order", round) for seed, round in ((0, 0), (1, 0), (0, 1), (0, 0))]
        _, variants = drawn(orders, 400)
        for one, other in ((0, 1), (0, 2), (1, 2)):
            agree = int((variants[:, one] == variants[:, other]).sum())
            assert stats.binomtest(agree, 8_000, 1 / 162).pvalue > 1e-4
        assert torch.equal(variants[:, 0], variants[:, 3])

    @pytest.mark.parametrize("varied", [1, 162])
    def test_an_epoch_is_kept_once_for_all_replicas_of_an_order(self, varied):
        """As int32; what comes out is int64 for each of them."""
        orders = [(seed, "data order", 0) for seed in (0, 1, 0, 0, 1)]
        order = DataOrder(orders, 400, 20, CPU, varied)
        assert next(order).shape == (5, 20) and next(order).dtype == torch.int64
        held = [of for of in vars(order).values() if isinstance(of, torch.Tensor)]
        assert sum(of.numel() * of.element_size() for of in held) == 2 * 400 * 4 + 5 * 8


class Flattening(Perceptrons):
    """Perceptrons that take images: a model for what does not depend on convolutions."""

    def outputs(self, parameters, buffers, inputs, streams=(), training=False):
        return super().outputs(parameters, buffers, inputs.flatten(2), streams, training)

    def set_gradient(self, parameters, buffers, inputs, *rest):
        super().set_gradient(parameters, buffers, inputs.flatten(2), *rest)


def flattening():
    """Return a model of the small network for images."""
    small = network(SMALL)
    return Flattening(replace(small, image=IMAGE).layout)


def trained(data, config, seeds, precision=torch.float32):
    """Return what became of a replica of each seed."""
    replicas = [replica(SMALL, seed, dtype=precision) for seed in seeds]
    return fit(flattening(), Identity, data, config, replicas, observers_for(Identity))


class TestTrained:
    def test_bits_do_not_depend_on_company(self, images):
        """Alone, in pairs, among five, in another order: the same weights and the same measurements."""
        config = replace(CONFIG, iterations=50, interval=25)
        alone = {seed: trained(images, config, [seed])[0] for seed in range(5)}
        for seeds in ([0, 1], [3, 2, 4, 0, 1]):
            for seed, outcome in zip(seeds, trained(images, config, seeds)):
                assert torch.equal(outcome.final, alone[seed].final)
                assert outcome.measurements == alone[seed].measurements

    def test_a_training_is_that_of_a_plain_loop(self, images):
        """torch's own module and Adam in float64, on images that torchvision varied one by one."""
        precise = Dataset(
            "precise",
            *(Part(part.images.double(), part.labels) for part in (images.train, images.validation, images.test)),
            "",
        )
        (outcome,) = trained(precise, CONFIG, [3], torch.float64)
        architecture, order = network(SMALL), (3, "data order", 0)
        module = nn.Sequential(*architecture.build()).double()
        architecture.layout.load(module, replica(SMALL, 3).start.double())
        optimiser = torch.optim.Adam(module.parameters(), CONFIG.learning_rate)
        shuffles, variations = stream(*order), stream(*order, "augmentation")
        for _ in range(3):  # epochs of twenty batches
            places = torch.randperm(400, generator=shuffles)
            variants = torch.randint(162, (400,), generator=variations)
            for batch, which in zip(places.split(20), variants.split(20)):
                varied = [one_by_one(precise.train.images[place], int(v)) for place, v in zip(batch, which)]
                optimiser.zero_grad()
                outputs = module(torch.stack(varied).flatten(1))
                nn.functional.cross_entropy(outputs, precise.train.labels[batch]).backward()
                optimiser.step()
        torch.testing.assert_close(outcome.final, architecture.layout.read(module), rtol=1e-7, atol=1e-9)

    def test_what_is_measured_is_measured_on_images_as_they_are(self, images, monkeypatch):
        """As many batches are varied as there are steps, and the parts of the data are those that came."""
        sound, varied = FlipAndCrop.__call__, []

        def told(self, batch, which):
            varied.append(len(batch))
            return sound(self, batch, which)

        monkeypatch.setattr(FlipAndCrop, "__call__", told)
        trained(images, CONFIG, [0, 1])
        assert varied == [40] * CONFIG.iterations
        assert torch.equal(
            ReplicaData(images, 2, augmentation="flip and crop").part("train").images[1], images.train.images
        )

    def test_a_step_draws_nothing(self, images, monkeypatch):
        """What is random is in the index, so that a captured step shows what it is told to."""
        data = ReplicaData(images, 3, augmentation="flip and crop")
        order = DataOrder([(seed, "data order", 0) for seed in range(3)], data.count, 20, CPU, data.variants)
        rows = data.rows(next(order)).reshape(-1)

        def refuse(*arguments, **named):
            raise AssertionError("a step drew a random number")

        for name in ("rand", "randint", "randperm", "randn"):
            monkeypatch.setattr(torch, name, refuse)
        state = torch.get_rng_state()
        first, labels = data.batch(rows)
        again, _ = data.batch(rows)
        assert torch.equal(first, again) and torch.equal(state, torch.get_rng_state())
        assert torch.equal(labels, images.train.labels[rows // 162])

    def test_each_replica_varies_images_of_its_own_data(self, images):
        """Where every replica has a data set of its own."""
        turned = replace(images, train=Part(images.train.images.flip(2), images.train.labels.flip(0)))
        data = ReplicaData([images, turned], 2, augmentation="flip and crop")
        index = torch.tensor([[7 * 162 + 40, 5 * 162 + 1], [7 * 162 + 40, 399 * 162 + 161]])
        found, labels = data.batch(data.rows(index).reshape(-1))
        for place, (own, image, variant) in enumerate(
            [(images, 7, 40), (images, 5, 1), (turned, 7, 40), (turned, 399, 161)]
        ):
            assert torch.equal(found[place], one_by_one(own.train.images[image], variant))
            assert labels[place] == own.train.labels[image]

    def test_vectors_are_refused(self, digits):
        """By one message, instead of being taken for images."""
        with pytest.raises(LotteryError, match="augmentation is for images"):
            trained(digits, CONFIG, [0])

    def test_another_name_is_refused(self):
        """With the names there are."""
        with pytest.raises(ValueError, match="'cutout' is not one of '', 'flip and crop'"):
            replace(CONFIG, augmentation="cutout")


def test_without_augmentation_nothing_is_varied(images):
    """Images come as they are, and their index is their place."""
    data = ReplicaData(images, 2)
    found, labels = data.batch(torch.tensor([3, 399]))
    assert data.variants == 1 and torch.equal(found, images.train.images[[3, 399]])
    assert torch.equal(labels, images.train.labels[[3, 399]])
