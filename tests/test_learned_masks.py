"""Learned supermasks: the gradient of the written-out formula, frozen weights, masks that are drawn and not rounded."""

import dataclasses
import functools

import pytest
import torch

from lottery.core.rng import stream
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.models.perceptrons import Perceptrons
from lottery.models.task import CROSS_ENTROPY
from lottery.training.config import Config
from lottery.training.learned_masks import Bernoulli, TopK
from tests.conftest import SMALL, replica
from tests.training_helpers import train

LAYOUT = Layout(network(SMALL))


def bernoulli(seeds=(0, 1), dtype=torch.float64, **options):
    start = torch.stack([LAYOUT.join(initial_weights(network(SMALL), seed)) for seed in seeds]).to(dtype)
    return Bernoulli(start, LAYOUT, [stream(seed, "mask") for seed in seeds], **options)


class _StraightThrough(torch.autograd.Function):
    """The sample in the forward pass, the probability's gradient in the backward pass."""

    @staticmethod
    def forward(context, probability, sample):
        return sample

    @staticmethod
    def backward(context, gradient):
        return gradient, None


def gradients_agree(one, digits, effective):
    """Hold both replicas' gradients against autograd through `effective(trained, weights, mask)`, layer by layer."""
    one.refresh()
    images, labels = digits.train.images[:40].view(2, 20, 64), digits.train.labels[:40].view(2, 20)
    Perceptrons(LAYOUT).set_gradient(
        one.effective, torch.zeros(2, 0), images, labels, CROSS_ENTROPY, (), one.effective_gradient
    )
    one.pull_back()
    for r in range(2):
        trained = [s[r].clone().requires_grad_() for s in LAYOUT.weight_views(one.trained)]
        outputs = images[r]
        for index, (s, w, mask) in enumerate(
            zip(trained, initial_weights(network(SMALL), r), LAYOUT.weight_views(one._kept))
        ):
            outputs = (outputs.relu() if index else outputs) @ effective(s, w.double(), mask[r])
        torch.nn.functional.cross_entropy(outputs, labels[r]).backward()
        for ours, s in zip(LAYOUT.weight_views(one.gradient), trained):
            torch.testing.assert_close(ours[r], s.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rescaled", [False, True])
def test_gradient_equals_autograd_of_the_formula(precise_digits, rescaled):
    """For both replicas: straight through the sample to sigmoid(s); with rescaling, through the count kept as well."""
    one = bernoulli(rescaled=rescaled, logit=0.3)
    one.trained += 0.5 * torch.randn(one.trained.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def effective(s, w, sample):
        b = _StraightThrough.apply(torch.sigmoid(s), sample)
        return w * b * (b.numel() / b.sum() if rescaled else 1)

    gradients_agree(one, precise_digits, effective)
    assert (one.gradient[:, LAYOUT.weights[-1].stop :] == 0).all()  # neither biases nor padding are trained


def test_masks_are_drawn_with_their_probability():
    """Each weight is kept as often as sigmoid(s) says, anew at every draw, and its value is the frozen one."""
    one = bernoulli(seeds=(0,), logit=1.0)
    draws = []
    for _ in range(20):
        one.refresh()
        for w, effective in zip(initial_weights(network(SMALL), 0), LAYOUT.weight_views(one.effective)):
            assert ((effective[0] == 0) | (effective[0] == w.double())).all()
        draws.append(one._kept[0, : LAYOUT.weights[-1].stop].clone())
    share = torch.stack(draws).mean().item()
    assert share == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item(), abs=4 * (0.2 / (20 * 11_000)) ** 0.5)
    assert not torch.equal(draws[0], draws[1])


def test_rescaling_is_by_the_drawn_count():
    """A layer's kept weights are multiplied by its size over the number kept, layer by layer."""
    one = bernoulli(seeds=(0,), rescaled=True)
    one.refresh()
    for w, effective, kept in zip(
        initial_weights(network(SMALL), 0), LAYOUT.weight_views(one.effective), LAYOUT.weight_views(one._kept)
    ):
        torch.testing.assert_close(effective[0], w.double() * kept[0] * w.numel() / kept[0].sum())


def test_a_mask_that_diverged_has_no_accuracy(digits):
    """Logits that are not numbers draw empty masks: that is no accuracy, and the neighbour is as if alone."""
    config = Config("sgd", 20.0, 50, 20, 20, momentum=0.9)
    sick = replica(SMALL, 1)
    sick = dataclasses.replace(sick, start=sick.start * float("nan"))

    def run(replicas, seeds):
        return train(
            SMALL,
            digits,
            config,
            replicas,
            parametrise=functools.partial(Bernoulli, layout=LAYOUT, streams=[stream(s, "mask") for s in seeds]),
        )

    broken, healthy = run([sick, replica(SMALL, 0)], (1, 0))
    assert broken.measurements["test_accuracy_end"] != broken.measurements["test_accuracy_end"]  # not a number
    assert healthy.measurements == run([replica(SMALL, 0)], (0,))[0].measurements


@pytest.mark.parametrize("rescaled", [False, True])
def test_learns_the_digits_without_moving_a_weight(digits, rescaled):
    """The mask alone learns; a replica's result does not depend on its company; masks differ a little in accuracy."""
    config = Config("sgd", 20.0, 50, 400, 100, momentum=0.9)

    def run(seeds):
        parametrise = functools.partial(
            Bernoulli, layout=LAYOUT, streams=[stream(seed, "mask") for seed in seeds], rescaled=rescaled
        )
        return train(SMALL, digits, config, [replica(SMALL, seed) for seed in seeds], parametrise=parametrise)

    together, alone = run((0, 1, 2)), run((1,))
    for outcome in together:
        assert outcome.measurements["test_accuracy_end"] > 70
        assert 0 < outcome.measurements["test_accuracy_deviation"] < 5
        assert 20 < outcome.measurements["weights_remaining"] < 80
    assert torch.equal(together[1].final, alone[0].final) and together[1].measurements == alone[0].measurements


def top_k(seeds=(0, 1), share=0.3, dtype=torch.float64):
    start = torch.stack([LAYOUT.join(initial_weights(network(SMALL), seed)) for seed in seeds]).to(dtype)
    return TopK(start, LAYOUT, [stream(seed, "scores") for seed in seeds], [share] * len(seeds))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_top_k_keeps_the_largest_scores_of_each_layer(share):
    """The forward pass equals sorting: exactly so many weights a layer, none with a smaller score than one left out."""
    one = top_k(share=share)
    one.refresh()
    for effective, scores, weights in zip(*map(LAYOUT.weight_views, (one.effective, one.trained, one._frozen))):
        for r in range(2):
            count = round(share * scores[r].numel())
            threshold = scores[r].abs().flatten().sort(descending=True).values[count - 1]
            assert torch.equal(effective[r], torch.where(scores[r].abs() >= threshold, weights[r], 0.0))
            assert int((effective[r] != 0).sum()) == count
    assert one.remaining().tolist() == pytest.approx([100 * share] * 2, abs=0.02)


def test_top_k_gradient_goes_straight_through_the_choice(precise_digits):
    """As autograd has it with the |score| in place of the choice: every score learns, chosen or not."""
    gradients_agree(top_k(), precise_digits, lambda s, w, chosen: w * _StraightThrough.apply(s.abs(), chosen))


def test_top_k_learns_the_digits_without_moving_a_weight(digits):
    """Scores alone get far above chance; weights stay to the bit, seeds differ, and the share is what was asked for."""
    config = Config("sgd", 0.1, 50, 300, 100, momentum=0.9, weight_decay=1e-4)
    made = []

    def parametrise(start):
        made.append((start.clone(), TopK(start, LAYOUT, [stream(seed, "scores") for seed in range(3)], [0.5] * 3)))
        return made[0][1]

    outcomes = train(SMALL, digits, config, [replica(SMALL, seed) for seed in range(3)], parametrise=parametrise)
    start, one = made[0]
    assert torch.equal(start, one._frozen)
    assert all(outcome.measurements["test_accuracy_end"] > 60 for outcome in outcomes)
    assert all(outcome.measurements["weights_remaining"] == pytest.approx(50, abs=0.01) for outcome in outcomes)
    assert all(outcome.measurements["test_accuracy_deviation"] == 0 for outcome in outcomes)
    assert len({outcome.measurements["test_accuracy_end"] for outcome in outcomes}) > 1
