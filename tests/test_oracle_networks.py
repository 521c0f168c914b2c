"""Networks with convolutions against a plain loop, and their masks against torch's own pruning, in double precision.

Batch norm, dropout, weight decay and momentum included: each module of the tests, autograd, torch's own optimisers.
"""

import functools

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.experiments import chain_masks
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain
from lottery.masks import criteria
from lottery.masks.scores import scores
from lottery.models import architectures
from lottery.models.initialisers import initial_weights
from lottery.models.losses import mean_loss
from lottery.models.model import model_of
from lottery.training.config import Config, Setting
from lottery.training.fit import Replica, fit
from lottery.training.learned_masks import Bernoulli, TopK
from lottery.training.observers import Accuracies, EarlyStop
from lottery.training.parametrisation import Identity
from tests.small_networks import IMAGE, SMALL_NETWORKS, plain
from tests.test_learned_masks import _StraightThrough

RECIPES = {
    "adam with weight decay": Config("adam", 1e-2, 20, 30, 10, weight_decay=1e-2),
    "sgd with momentum and weight decay": Config("sgd", 0.05, 20, 30, 10, momentum=0.9, weight_decay=1e-2),
}


def begun(name, seed, share=0.6):
    """Return masks of a random share, and a start with pruned weights at their initial values."""
    architecture, generator = SMALL_NETWORKS[name], torch.Generator().manual_seed(seed)
    masks = [torch.rand(layer.shape, generator=generator) < share for layer in architecture.layers]
    return masks, architecture.layout.join(initial_weights(architecture, seed)).double()


def plain_loop(name, seed, masks, start, data, config):
    """Return the module of one network after an ordinary training, pruned weights held at their start, and its losses.

    The losses are those of validation images, in evaluation, as often as the config says.
    """
    architecture, losses, position = SMALL_NETWORKS[name], [], len(data.train.images)
    module = plain(architecture)
    architecture.layout.load(module, start)
    weights = [module.get_submodule(layer.path).weight for layer in architecture.layers]
    held = [mask.t() if mask.dim() == 2 else mask for mask in masks]
    before = [weight.detach().clone() for weight in weights]
    if config.optimiser == "adam":
        optimiser = torch.optim.Adam(module.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    else:
        optimiser = torch.optim.SGD(
            module.parameters(), config.learning_rate, config.momentum, weight_decay=config.weight_decay
        )
    shuffles = stream(seed, "data order", 0)
    torch.set_rng_state(stream(seed, "data order", 0, "forward").get_state())
    for iteration in range(1, config.iterations + 1):
        if position + config.batch_size > len(data.train.images):
            permutation, position = torch.randperm(len(data.train.images), generator=shuffles), 0
        batch = permutation[position : position + config.batch_size]
        position += config.batch_size
        optimiser.zero_grad()
        nn.functional.cross_entropy(module.train()(data.train.images[batch]), data.train.labels[batch]).backward()
        optimiser.step()
        with torch.no_grad():
            for weight, mask, value in zip(weights, held, before):
                weight.copy_(torch.where(mask, weight, value))
            if iteration % config.interval == 0:
                outputs = module.eval()(data.validation.images)
                losses.append(nn.functional.cross_entropy(outputs, data.validation.labels).item())
    return module, losses


@pytest.mark.parametrize("config", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_engine_equals_plain_loop(name, config, noise):
    """Parameters, running statistics and validation losses of two seeds; frozen weights do not move by a bit."""
    model, seeds = model_of(SMALL_NETWORKS[name]), (3, 4)
    starts = {seed: begun(name, seed) for seed in seeds}
    replicas = [
        Replica(start, model.layout.trainable(masks), (seed, "data order", 0))
        for seed, (masks, start) in starts.items()
    ]
    stop = EarlyStop()
    outcomes = fit(model, Identity, noise, config, replicas, [Accuracies(stop), stop])
    with torch.random.fork_rng(devices=[]):
        for outcome, (seed, (masks, start)) in zip(outcomes, starts.items()):
            module, losses = plain_loop(name, seed, masks, start, noise, config)
            torch.testing.assert_close(outcome.final, model.layout.read(module), rtol=1e-7, atol=1e-9)
            # running statistics pass through float32 when they are read off the module
            torch.testing.assert_close(
                outcome.buffers, model.layout.read_buffers(module).double(), rtol=1e-6, atol=1e-7
            )
            assert outcome.measurements["validation_loss"] == pytest.approx(losses, rel=1e-9)
            frozen = model.layout.trainable(masks) == 0
            assert torch.equal(outcome.final[frozen], start[frozen]) and frozen[: model.layout.count].any()


def test_running_statistics_begin_anew(noise):
    """With every training of one model, as rewinding has it: the second ends as the first did, to the bit."""
    model, config = model_of(SMALL_NETWORKS["normalised"]), RECIPES["adam with weight decay"]
    masks, start = begun("normalised", 3)

    def trained():
        replica = Replica(start, model.layout.trainable(masks), (3, "data order", 0))
        return fit(model, Identity, noise, config, [replica])[0]

    first, second = trained(), trained()
    assert torch.equal(first.final, second.final) and torch.equal(first.buffers, second.buffers)
    assert not torch.equal(first.buffers, model.layout.initial_buffers().double())


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_the_real_resnet_takes_the_steps_of_a_plain_loop(optimiser):
    """CIFAR's ResNet-20 for two steps: parameters and running statistics."""
    architecture, generator = architectures.network("resnet-18"), torch.Generator().manual_seed(0)
    pixels = torch.rand(8, 3, 32, 32, generator=generator, dtype=torch.float64)
    part = Part(pixels, torch.randint(0, 10, (8,), generator=generator))
    data, config = Dataset("noise", part, part, part, "noise"), Config(optimiser, 1e-3, 8, 2, 2, momentum=0.9)
    layout = architecture.layout
    start = layout.join(initial_weights(architecture, 0)).double()
    replica = Replica(start, layout.trainable(None), (0, "data order"))
    outcome = fit(model_of(architecture), Identity, data, config, [replica])[0]
    module = architecture.build().double()
    layout.load(module, start)
    made = {"adam": torch.optim.Adam, "sgd": lambda p, rate: torch.optim.SGD(p, rate, momentum=0.9)}[optimiser]
    plain = made(module.parameters(), 1e-3)
    for _ in range(2):
        plain.zero_grad()
        mean_loss("cross-entropy", module(part.images), part.labels).backward()
        plain.step()
    torch.testing.assert_close(outcome.buffers, layout.read_buffers(module).double(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(outcome.final, layout.read(module), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["pairs", "ranked as a whole"])
def test_masks_are_those_of_torchs_pruning(name, monkeypatch):
    """Layer by layer, and all layers together: two rounds of magnitude pruning, weights by weights."""
    monkeypatch.setitem(architectures.ARCHITECTURES, name, SMALL_NETWORKS[name])
    architecture, arm = SMALL_NETWORKS[name], chain("large_final")
    one = experiment(Setting(name, "digits", Config("adam", 1e-2, 20, 40, 20)), arm, 1, 0)
    module, masks = architecture.build(), chain_masks.no_masks(one)
    parts = [module.get_submodule(layer.path) for layer in architecture.layers]
    for round in range(2):
        final = architecture.layout.join(initial_weights(architecture, 7 + round))
        ranked = chain_masks.ranks(one, arm.mask, round, masks, final, final)
        masks = chain_masks.cut(one, arm.mask, ranked, round + 1)
        with torch.no_grad():
            for part, values in zip(parts, chain_masks.weights_of(one, final)):
                values = values.t() if values.dim() == 2 else values
                (part.weight_orig if round else part.weight).copy_(values)
                if round:  # torch works this out in the next forward pass
                    part.weight = part.weight_orig * part.weight_mask
        if name == "ranked as a whole":
            count = architecture.kept_in_all(round) - architecture.kept_in_all(round + 1)
            prune.global_unstructured([(part, "weight") for part in parts], prune.L1Unstructured, amount=count)
        else:
            for part, before, after in zip(parts, architecture.kept(round), architecture.kept(round + 1)):
                prune.l1_unstructured(part, "weight", amount=before - after)
        for mask, part in zip(masks, parts):
            theirs = part.weight_mask.bool()
            assert torch.equal(mask, theirs.t() if theirs.dim() == 2 else theirs)


def learned(method, name, seeds, **options):
    """Return a learned mask of a network for these seeds, in float64."""
    layout = SMALL_NETWORKS[name].layout
    start = torch.stack([layout.join(initial_weights(SMALL_NETWORKS[name], seed)) for seed in seeds]).double()
    return method(start, layout, [stream(seed, "mask") for seed in seeds], **options)


@pytest.mark.parametrize("rescaled", [False, True, None], ids=["drawn", "rescaled", "top-k"])
@pytest.mark.parametrize("name", ["convolutional", "normalised", "own way"])
def test_a_learned_masks_gradient_is_autograds(name, rescaled):
    """Through the sample, the count kept, or the choice by scores; biases and normalisation stay as they start."""
    architecture, layout = SMALL_NETWORKS[name], SMALL_NETWORKS[name].layout
    generator = torch.Generator().manual_seed(1)
    if rescaled is None:
        one = learned(TopK, name, (0, 1), shares=[0.5, 0.5])
    else:
        one = learned(Bernoulli, name, (0, 1), rescaled=rescaled)
        one.trained += torch.randn(one.trained.shape, generator=generator, dtype=torch.float64)
    one.refresh()
    inputs = torch.randn(2, 20, *IMAGE, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (2, 20), generator=generator)
    buffers = layout.initial_buffers().double().repeat(2, 1)
    model_of(architecture).set_gradient(
        one.effective, buffers, inputs, labels, "cross-entropy", (), one.effective_gradient
    )
    one.pull_back()
    for r in range(2):
        module, start = architecture.build().double(), layout.join(initial_weights(architecture, r)).double()
        layout.load(module, start)
        trained, effective = {}, {}
        for layer, s, w, mask in zip(
            architecture.layers,
            *(layout.weight_views(of) for of in (one.trained, start[None].expand(2, -1), one._kept)),
        ):
            s, w, mask = s[r].clone().requires_grad_(), w[0], mask[r]
            b = _StraightThrough.apply(s.abs() if rescaled is None else torch.sigmoid(s), mask)
            values = w * b * (b.numel() / b.sum() if rescaled else 1)
            trained[layer.path], effective[f"{layer.path}.weight"] = s, values.t() if values.dim() == 2 else values
        mean_loss("cross-entropy", torch.func.functional_call(module, effective, inputs[r]), labels[r]).backward()
        for ours, s in zip(layout.weight_views(one.gradient), trained.values()):
            torch.testing.assert_close(ours[r], s.grad, rtol=1e-9, atol=1e-12)
    stay = slice(layout.weights[-1].stop, layout.count)
    assert torch.equal(one.effective[:, stay], one._frozen[:, stay] if rescaled is None else one._weights[:, stay])
    assert rescaled is None or not one.gradient[:, stay].any()


@pytest.mark.parametrize("method", [Bernoulli, TopK])
def test_a_learned_masks_bits_do_not_depend_on_company(method, noise):
    """Of convolutions, whose weights lie otherwise than they are shaped; rescaled by sums over them."""
    name, config = "pairs", Config("sgd", 1.0, 20, 20, 20, momentum=0.9)
    model = model_of(SMALL_NETWORKS[name])

    parts = (Part(part.images.float(), part.labels) for part in (noise.train, noise.validation, noise.test))
    narrow = Dataset("noise", *parts, "noise")

    def trained(seeds):
        options = {"rescaled": True} if method is Bernoulli else {"shares": [0.5] * len(seeds)}
        streams = [stream(seed, "mask") for seed in seeds]
        made = functools.partial(method, layout=model.layout, streams=streams, **options)
        starts = [model.layout.join(initial_weights(SMALL_NETWORKS[name], seed)) for seed in seeds]
        free = model.layout.trainable(None)
        replicas = [Replica(start, free, (seed, "data order")) for seed, start in zip(seeds, starts)]
        return dict(zip(seeds, [outcome.final for outcome in fit(model, made, narrow, config, replicas)]))

    everyone = trained(tuple(range(6)))
    for company in ((4,), (5, 1), (2, 0, 4)):
        for seed, final in trained(company).items():
            assert torch.equal(final, everyone[seed])


def test_scores_start_within_the_fans_of_convolutions():
    """Uniform over one by the root of all that an output is the sum of."""
    one = learned(TopK, "pairs", (0,), shares=[0.5])
    fans = (2 * 9, 4 * 9, 4 * 4 * 4, 8)
    for fan, drawn in zip(fans, SMALL_NETWORKS["pairs"].layout.weight_views(one.trained), strict=True):
        assert 0.9 * fan**-0.5 < drawn.abs().max() <= fan**-0.5


def test_criteria_get_weights_that_they_may_flatten(monkeypatch):
    """Though a convolution's weights lie otherwise than they are shaped, and in the order of their shape."""
    layout, seen = SMALL_NETWORKS["pairs"].layout, []
    weights = initial_weights(SMALL_NETWORKS["pairs"], 0)
    sound = criteria.score
    monkeypatch.setattr(criteria, "score", lambda name, **given: (seen.append(given), sound(name, **given))[1])
    parts, names = layout.parts(layout.join(weights)), [layer.name for layer in SMALL_NETWORKS["pairs"].layers]
    scores("large_final", 0, 0, {name: torch.ones_like(parts[name]).bool() for name in names}, parts, parts, None)
    for given, weight in zip(seen, weights):
        assert all(torch.equal(given[name].view(-1), weight.view(-1)) for name in ("w_init", "w_final"))
        assert given["mask"].is_contiguous()
