"""SNIP, GraSP and SynFlow against their formulas: by hand for a layer, by plain autograd in float64 for more."""

import dataclasses

import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn.functional import conv2d, cross_entropy, mse_loss

from lottery.data.datasets import Part
from lottery.data.made_tasks import dataset
from lottery.experiments import chain_masks
from lottery.experiments.arms import DENSE
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, multishot, singleshot
from lottery.experiments.population import Population
from lottery.experiments.search_part import SearchMask, scored_samples
from lottery.masks import criteria
from lottery.masks.saliency import Saliency, forward_of, perceptron
from lottery.masks.scores import scores
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.models.task import CROSS_ENTROPY, SQUARED_ERROR
from lottery.training.config import Config, Setting
from tests.conftest import SMALL, begin, shortened
from tests.small_networks import IMAGE, SMALL_NETWORKS

METHODS = ("snip", "grasp", "synflow")
TEMPERATURE = 200  # as the code of Wang et al. has it


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def two_layers(parameters, inputs):
    return (inputs @ parameters["a"] + parameters["a bias"]).relu() @ parameters["b"] + parameters["b bias"]


def convolution(parameters, inputs):
    return conv2d(inputs, parameters["a"]).relu().flatten(1) @ parameters["b"]


def perceptron_case():
    shapes = {"a": (3, 6), "a bias": (6,), "b": (6, 4), "b bias": (4,)}
    return (
        two_layers,
        shapes,
        torch.randn(12, 3, generator=generator(1)),
        torch.randint(0, 4, (12,), generator=generator(2)),
        CROSS_ENTROPY,
    )


def regression_case():
    shapes = {"a": (3, 6), "a bias": (6,), "b": (6, 2), "b bias": (2,)}
    return (
        two_layers,
        shapes,
        torch.randn(12, 3, generator=generator(1)),
        torch.randn(12, 2, generator=generator(2)),
        SQUARED_ERROR,
    )


def convolution_case():
    shapes = {"a": (4, 2, 3, 3), "b": (4 * 3 * 3, 4)}
    return (
        convolution,
        shapes,
        torch.randn(12, 2, 5, 5, generator=generator(1)),
        torch.randint(0, 4, (12,), generator=generator(2)),
        CROSS_ENTROPY,
    )


CASES = {"perceptron": perceptron_case, "regression": regression_case, "convolution": convolution_case}


def written_out(method, forward, weights, masks, inputs, observed, loss):
    """The three scores by their formulas, with the mask as a variable and the Hessian whole."""
    inputs = inputs.double()
    shapes, sizes = [w.shape for w in weights.values()], [w.numel() for w in weights.values()]

    def parts(flat):
        return {name: piece.view(shape) for name, piece, shape in zip(weights, flat.split(sizes), shapes)}

    def error(flat, mask, temperature=1):
        outputs = forward(parts(flat * mask), inputs) / temperature
        return cross_entropy(outputs, observed) if loss == CROSS_ENTROPY else mse_loss(outputs, observed.double())

    flat, mask = (torch.cat([one.flatten() for one in of.values()]).double() for of in (weights, masks))
    if method == "snip":
        mask.requires_grad_()
        return parts(torch.autograd.grad(error(flat, mask), mask)[0].abs())
    if method == "grasp":
        slope = torch.autograd.functional.jacobian(lambda w: error(w, mask, TEMPERATURE), flat)
        hessian = torch.autograd.functional.hessian(lambda w: error(w, mask, TEMPERATURE), flat)
        return parts(flat * (hessian @ slope))
    sizes_only = flat.abs().requires_grad_()
    flow = forward(parts(sizes_only * mask), torch.ones_like(inputs[:1])).sum()
    return parts((sizes_only * torch.autograd.grad(flow, sizes_only)[0]).detach())


@pytest.mark.parametrize("moment", ["init", "final"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_scores_equal_the_formula(method, case, moment):
    """For weights of both signs, under a mask that leaves out a third: kept and pruned places alike."""
    forward, shapes, inputs, observed, loss = CASES[case]()
    weights = {
        name: torch.randn(shape, generator=generator(place + 3), dtype=torch.float64)
        for place, (name, shape) in enumerate(shapes.items())
    }
    masks = {
        name: torch.rand(shape, generator=generator(place + 9)) < 0.67
        for place, (name, shape) in enumerate(shapes.items())
    }
    others = {name: torch.full(shape, torch.nan) for name, shape in shapes.items()}
    pair = (weights, others) if moment == "init" else (others, weights)

    def saliency(parameters):
        return Saliency(forward, parameters, masks, inputs, observed, loss)

    ours = scores(f"{method}_{moment}", 0, 0, masks, *pair, saliency)
    wanted = written_out(method, forward, weights, masks, inputs, observed, loss)
    for name in shapes:
        torch.testing.assert_close(ours[name], wanted[name], rtol=1e-9, atol=1e-12)


def test_one_layer_by_hand():
    """A linear layer, a sample, squared error: L = (w x - y)^2, so dL/dw = 2 r x, H g = 2 x (x 2 r x), R = sum |w|."""
    x, y, w = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0]]), torch.tensor([[0.5], [-3.0]])
    rest = 0.5 * 2 + 3 - 1
    weights, masks = {"a": w}, {"a": torch.ones(2, 1, dtype=torch.bool)}
    found = {
        method: scores(
            f"{method}_init",
            0,
            0,
            masks,
            weights,
            weights,
            lambda p: Saliency(lambda e, i: i @ e["a"], p, masks, x, y, SQUARED_ERROR),
        )["a"]
        for method in METHODS
    }
    torch.testing.assert_close(found["snip"], (w * 2 * rest * x.t()).abs().double())
    t = TEMPERATURE
    slope = 2 * (((rest + 1) / t) - 1) * x.t() / t  # of ((w x) / t - y)^2
    torch.testing.assert_close(found["grasp"], (w * 2 * x.t() / t**2 * (x @ slope)).double())
    torch.testing.assert_close(found["synflow"], w.abs().double())


def test_synflow_is_conserved_through_layers():
    """What flows into a hidden unit flows out (Tanaka et al. 2020, theorem 2): without biases all sums are equal."""
    shapes = {"a": (3, 5), "b": (5, 7), "c": (7, 2)}
    weights = {
        name: torch.randn(shape, generator=generator(place)) for place, (name, shape) in enumerate(shapes.items())
    }
    masks = {
        name: torch.rand(shape, generator=generator(place + 3)) < 0.6
        for place, (name, shape) in enumerate(shapes.items())
    }

    def forward(e, inputs):
        return ((inputs @ e["a"]).relu() @ e["b"]).relu() @ e["c"]

    found = scores(
        "synflow_init",
        0,
        0,
        masks,
        weights,
        weights,
        lambda p: Saliency(forward, p, masks, torch.zeros(1, 3), torch.zeros(1), ""),
    )
    totals = [float(found[name].sum()) for name in shapes]
    assert totals[0] == pytest.approx(totals[1]) == pytest.approx(totals[2]) and totals[0] > 0
    assert all((found[name][~masks[name]] == 0).all() for name in shapes)


SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 40, 20))


def masks_of(method, round=1, seed=0):
    """Return the masks of a chain that prunes before training."""
    return begin(experiment(SETTING, chain(f"{method}_init"), round, seed)).cut.masks


@pytest.mark.parametrize("method", ["snip", "grasp"])
def test_images_that_are_scored_are_training_images(monkeypatch, digits, method):
    """Whatever is in the test and validation parts, masks stay the same; other training images change them."""
    sound, zeros = masks_of(method), Part(torch.zeros(50, 64), torch.zeros(50, dtype=torch.int64))
    for changes, same in (({"test": zeros, "validation": zeros}, True), ({"train": digits.test}, False)):
        changed = dataclasses.replace(digits, **changes)
        monkeypatch.setattr(chain_masks, "data_of", lambda setting, changed=changed: changed)
        assert all(torch.equal(*pair) for pair in zip(sound, masks_of(method))) == same


def test_images_that_are_scored_are_those_that_the_network_takes(digits):
    """Preprocessed as its setting says, and in its input shape; the same images under every preprocessing."""
    found = {}
    for preprocessing in ("unit", "standard"):
        setting = Setting("conv-2-miniature", "digits", SETTING.config, preprocessing)
        found[preprocessing], _ = chain_masks.scored_images(experiment(setting, DENSE, 0, 3), 1)
    mean, deviation = digits.train.images.double().mean(), digits.train.images.double().std(correction=0)
    assert found["unit"].shape == (100, 1, 8, 8)
    expected = ((found["unit"].double() - mean) / deviation).float()
    torch.testing.assert_close(found["standard"], expected, rtol=0, atol=1e-6)


def test_images_that_are_scored_are_any_training_images(digits):
    """A hundred of ten classes, none twice; over 120 seeds each of the 400 training images comes as often."""
    places = {tuple(image.tolist()): place for place, image in enumerate(digits.train.images)}
    assert len(places) == 400  # no two are alike
    counts = torch.zeros(400)
    for seed in range(120):
        images, labels = chain_masks.scored_images(experiment(SETTING, DENSE, 0, seed), 0)
        chosen = torch.tensor([places[tuple(image.tolist())] for image in images])
        assert len(chosen.unique()) == 100 and torch.equal(digits.train.labels[chosen], labels)
        counts[chosen] += 1
    # without replacement a count's variance is 120 p (1 - p), and counts add up: (N - 1) / N of Pearson's chi-square
    deviance = float(((counts - 30) ** 2 / (30 * 0.75)).sum()) * 399 / 400
    assert 1e-4 < stats.chi2(399).cdf(deviance) < 1 - 1e-4


@pytest.mark.parametrize("name", ["planted-circle-5", "planted-relu-5", "planted-helix-5"])
def test_samples_that_a_search_scores_are_nobody_elses(name):
    """Forty for every task, neither for training nor for testing."""
    one = experiment(shortened(name), singleshot(name, "snip", 0.1), 0, 3)
    sample, data = scored_samples(one), dataset(name.split("-")[1], 3)
    assert len(sample.inputs) == len(sample.observed) == 40
    for part in (data.train, data.test):
        assert not torch.isin(part.images, sample.inputs.float()).all(1).any()


def test_a_search_scores_what_is_pruned_where_it_was_planted(monkeypatch):
    """Pruned parameters are zero in training, but scored as they started: a released search may take them back."""
    seen, sound = [], SearchMask.cut_once

    def cut_once(self, round, mask, start, final):
        seen.append((mask.clone(), start.clone(), final.clone()))
        return sound(self, round, mask, start, final)

    monkeypatch.setattr(SearchMask, "cut_once", cut_once)
    arm = multishot("planted-circle-5", "snip", 0.1, released=True)
    arm = dataclasses.replace(arm, mask=dataclasses.replace(arm.mask, rounds=2, epochs=1))
    one = experiment(shortened(arm.network), arm, 0, 0)
    compute(Population([one]), {one: {}})
    (everything, *_), (mask, start, final) = seen
    assert everything[: one.setting.architecture.layout.count].all() and 0 < mask.sum() < everything.sum()
    assert torch.equal(final[~mask], start[~mask]) and start[~mask].any()
    assert (final[mask] != start[mask]).double().mean() > 0.5


def test_grasp_of_a_round_looks_through_the_mask_of_the_one_before():
    """Its second round ranks w H (m g) of the masked network, by torch's own product of a Hessian with a vector."""
    one, first, second = (experiment(SETTING, DENSE, 0, 3), *(masks_of("grasp", round, 3) for round in (1, 2)))
    images, labels = chain_masks.scored_images(one, 1)
    weights = tuple(w.double() * mask for w, mask in zip(chain_masks.initial(one), first))
    everything = weights + tuple(torch.zeros(w.shape[1], dtype=torch.float64) for w in weights)  # biases, which stay

    def loss(*parameters):
        outputs = images.double()
        for place, (weight, bias) in enumerate(zip(parameters[:3], parameters[3:])):
            outputs = (outputs.relu() if place else outputs) @ weight + bias
        return cross_entropy(outputs / TEMPERATURE, labels)

    slopes = torch.autograd.functional.jacobian(loss, everything)
    along = tuple(slope * mask for slope, mask in zip(slopes, first)) + slopes[3:]
    products = torch.autograd.functional.hvp(loss, everything, along)[1]
    for w, product, before, after in zip(weights, products, first, second):
        kept, pruned = (w * product)[after], (w * product)[before & ~after]
        rounding = 1e-9 * (w * product).abs().max()
        assert kept.min() >= pruned.max() - rounding and not (after & ~before).any()
        assert pruned.min() < -rounding  # something is told by it


def test_only_final_ones_need_training():
    """SNIP, GraSP and SynFlow prune before training, as published; after training they are criteria of their own."""
    assert [criteria.needs_training(f"{method}_{moment}") for method in METHODS for moment in ("init", "final")] == [
        False,
        True,
    ] * 3


@pytest.mark.parametrize("name", ["convolutional", "normalised", "residual", "dropping", "own way"])
def test_any_network_is_scored_through_its_module(name):
    """SNIP and GraSP by autograd of the module in double precision, and SynFlow for its input of ones."""
    architecture, layout = SMALL_NETWORKS[name], SMALL_NETWORKS[name].layout
    parameters = layout.join(initial_weights(architecture, 0)) + 0.01
    inputs, labels = torch.randn(12, *IMAGE, generator=generator(1)), torch.randint(0, 4, (12,), generator=generator(2))
    found = Saliency(forward_of(architecture), layout.parts(parameters), {}, inputs, labels, CROSS_ENTROPY)
    module = architecture.build().double().eval()
    layout.load(module, parameters)
    weights = {layer.name: module.get_submodule(layer.path).weight for layer in architecture.layers}
    for norm in module.modules():
        norm.training = isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d))
    slopes = torch.autograd.grad(cross_entropy(module(inputs.double()), labels), list(weights.values()))
    for layer, slope in zip(weights, slopes):
        torch.testing.assert_close(as_module(found.gradient[layer]), slope, rtol=1e-9, atol=1e-12)
    everything = list(module.parameters())
    loss = cross_entropy(module(inputs.double()) / TEMPERATURE, labels)
    slopes = torch.autograd.grad(loss, everything, create_graph=True)
    product = sum((slope.detach() * slope).sum() for slope in slopes)
    for layer, curvature in zip(weights, torch.autograd.grad(product, list(weights.values()))):
        torch.testing.assert_close(as_module(found.curvature[layer]), curvature, rtol=1e-8, atol=1e-14)
    with torch.no_grad():
        for weight in everything:
            weight.abs_()
    layout.load_buffers(module, layout.initial_buffers())
    flows = torch.autograd.grad(module.eval()(torch.ones(1, *IMAGE).double()).sum(), list(weights.values()))
    for layer, flow in zip(weights, flows):
        torch.testing.assert_close(as_module(found.flow[layer]), flow, rtol=1e-9, atol=1e-12)


def as_module(values):
    """Return a layer's values as its module has them."""
    return values.t() if values.dim() == 2 else values


def test_perceptrons_keep_their_own_forward_pass():
    """To the bit, since scores of released results were made of it."""
    layout = Layout(network(SMALL))
    parts = layout.parts(layout.join(initial_weights(network(SMALL), 0)).double())
    inputs = torch.randn(12, 64, generator=generator(1), dtype=torch.float64)
    assert torch.equal(forward_of(network(SMALL))(parts, inputs), perceptron(network(SMALL))(parts, inputs))
