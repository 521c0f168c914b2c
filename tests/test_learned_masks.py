"""Learned supermasks: the gradient of the written-out formula, frozen weights, masks that are drawn and not rounded."""

import dataclasses
import functools
import statistics

import pytest
import torch
from scipy import stats

from lottery.core.rng import stream
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import scores_sought, untrained
from lottery.experiments.population import Population
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.models.perceptrons import Perceptrons
from lottery.models.task import CROSS_ENTROPY
from lottery.training.config import Config, Setting
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.observers import State
from lottery.training.optimiser import Descent
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


def test_every_weight_is_kept_by_its_own_chance():
    """Wherever it lies: over 400 masks the counts scatter about 400 sigmoid(s) as binomial ones do, by chi-square."""
    one, kept = bernoulli(seeds=(0,)), 0
    one.trained += torch.randn(one.trained.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    weights = slice(0, LAYOUT.weights[-1].stop)
    chance = torch.sigmoid(one.trained[0, weights])
    for _ in range(400):
        one.refresh()
        kept = kept + one._kept[0, weights]
    deviance = float(((kept - 400 * chance) ** 2 / (400 * chance * (1 - chance))).sum())
    assert 1e-4 < stats.chi2(len(chance)).cdf(deviance) < 1 - 1e-4
    assert one.remaining()[0] == pytest.approx(100 * chance.mean().item(), rel=1e-9)


def logits(weights, images):
    """Return the outputs of a network of these weights (inputs, outputs) without biases."""
    for place, weight in enumerate(weights):
        images = (images.relu() if place else images) @ weight
    return images


def right(weights, part):
    """Return the accuracy in per cent on a part of the data, counted one image after the other."""
    answers = zip(logits(weights, part.images).argmax(1).tolist(), part.labels.tolist())
    return 100 * sum(answer == label for answer, label in answers) / len(part.labels)


def test_masks_are_measured_on_test_images(digits):
    """A learned top-k mask's accuracy is a count on the test part, where it differs from that on the others."""
    config = Config("sgd", 0.1, 50, 60, 20, momentum=0.9)
    made = functools.partial(TopK, layout=LAYOUT, streams=[stream(0, "scores")], shares=[0.3])
    outcome = train(SMALL, digits, config, [replica(SMALL, 0)], parametrise=made)[0]
    weights = []
    for scores, weight in zip(LAYOUT.weight_views(outcome.final[None]), initial_weights(network(SMALL), 0)):
        threshold = scores[0].abs().flatten().sort(descending=True).values[round(0.3 * weight.numel()) - 1]
        weights.append(torch.where(scores[0].abs() >= threshold, weight, 0.0))
    counted = {name: right(weights, getattr(digits, name)) for name in ("train", "validation", "test")}
    assert len(set(counted.values())) == 3
    assert outcome.measurements["test_accuracy_end"] == pytest.approx(counted["test"], abs=1e-9)


def test_drawn_masks_are_measured_on_test_images_ten_times(monkeypatch, digits):
    """Where everything is kept that is the dense start's accuracy; drawn masks are ten, whose mean is taken."""
    seen, accuracies, sound = [], [], State.evaluate

    def evaluate(self, part):
        loss, accuracy = sound(self, part)
        seen.append(part)
        accuracies.append(accuracy.item())
        return loss, accuracy

    monkeypatch.setattr(State, "evaluate", evaluate)
    dense = initial_weights(network(SMALL), 0)
    for logit, differ in ((60.0, False), (0.0, True)):
        made = functools.partial(Bernoulli, layout=LAYOUT, streams=[stream(0, "mask")], logit=logit)
        measured = train(SMALL, digits, Config("sgd", 0.0, 50, 8, 8), [replica(SMALL, 0)], parametrise=made)[0]
        accuracy = measured.measurements["test_accuracy_end"]
        assert (accuracy == pytest.approx(right(dense, digits.test), abs=1e-9)) != differ
        assert accuracy == pytest.approx(statistics.mean(accuracies[-10:]), rel=1e-12)
        deviation = measured.measurements["test_accuracy_deviation"]
        assert deviation == pytest.approx(statistics.stdev(accuracies[-10:]), rel=1e-9, abs=1e-12)
    assert right(dense, digits.test) != right(dense, digits.validation) and seen == ["test"] * 20


def test_untrained_masks_are_measured_on_test_images(digits):
    """At every rung of a heuristic mask, by hand: the largest initial weights of each layer, counted on test images."""
    one = experiment(Setting(SMALL, "digits", Config("sgd", 0.1, 50, 8, 8)), untrained("large_init"), 0, 4)
    found = compute(Population([one]), {one: {}})[one].measurements["test_accuracy_start"]
    assert len(found) == 25
    for round in (0, 3, 8, 15, 22, 24):
        weights = []
        for weight, count in zip(initial_weights(network(SMALL), 4), network(SMALL).kept(round)):
            threshold = weight.abs().flatten().sort(descending=True).values[count - 1]
            weights.append(torch.where(weight.abs() >= threshold, weight, 0.0))
        assert found[round] == pytest.approx(right(weights, digits.test), abs=1e-9)
        assert found[round] != right(weights, digits.validation)


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
        assert outcome.measurements["test_accuracy_end"] > 5 * outcome.measurements["test_accuracy_constant"]
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


def test_a_layer_keeps_one_weight_at_least():
    """However small the share, so that a path is left; biases may all go."""
    one = TopK(top_k()._frozen, LAYOUT, [stream(seed, "scores") for seed in (0, 1)], [1e-3] * 2, biases=True)
    one.refresh()
    sizes = [part.stop - part.start for part in (*LAYOUT.weights, *LAYOUT.biases)]
    kept = [one.masks()[:, part].sum(1).tolist() for part in (*LAYOUT.weights, *LAYOUT.biases)]
    assert min(sizes[:3]) < 500  # of which a thousandth is none
    assert kept == [[max(1, round(size / 1000))] * 2 for size in sizes[:3]] + [[0, 0]] * 3


@pytest.mark.parametrize("biases", [False, True])
def test_scores_start_uniform_within_their_fan(biases):
    """By Kolmogorov and Smirnov, over the root of a layer's inputs, in each layer, for its biases as well."""
    layout = network("lenet-300-100").layout
    one = TopK(torch.zeros(1, layout.size), layout, [stream(0, "scores")], [0.5], biases=biases)
    for parts in (layout.weights, layout.biases):
        for part, inputs in zip(parts, (784, 300, 100)):
            scores = one.trained[0, part].numpy() * inputs**0.5
            if parts is layout.biases and not biases:
                assert not scores.any()
            else:
                assert stats.kstest(scores, stats.uniform(-1, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["planted-circle-5", "planted-relu-5", "planted-helix-5"])
def test_edge_popup_slows_down_by_half_a_cosine(monkeypatch, brief, name):
    """Epoch by epoch, as torch's own schedule has it, for the optimiser that Fischer & Burkholz (B.1) train it with."""
    rates, sound = [], Descent.step
    monkeypatch.setattr(Descent, "step", lambda self: (rates.append(*self._rates), sound(self))[1])
    one = experiment(brief(name, "planted scores", epoch=3, epochs=4), scores_sought(name, 0.5), 0, 0)
    compute(Population([one]), {one: {}})
    plain = torch.optim.SGD([torch.zeros(1)], 0.1, momentum=0.9, weight_decay=5e-4)
    schedule, wanted = torch.optim.lr_scheduler.CosineAnnealingLR(plain, 4), []
    for _ in range(4):
        wanted += [plain.param_groups[0]["lr"]] * 3
        plain.step()
        schedule.step()
    assert rates == pytest.approx(wanted, rel=1e-5) and wanted[-1] < 0.02
    config = one.setting.config
    assert (config.optimiser, config.momentum, config.weight_decay) == ("sgd", 0.9, 5e-4)


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
