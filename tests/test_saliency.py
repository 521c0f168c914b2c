"""SNIP, GraSP and SynFlow against their formulas: by hand for a layer, by plain autograd in float64 for more."""

import pytest
import torch
from torch.nn.functional import conv2d, cross_entropy, mse_loss

from lottery.masks import criteria
from lottery.masks.saliency import TEMPERATURE, Saliency
from lottery.masks.scores import scores
from lottery.models.task import CROSS_ENTROPY, SQUARED_ERROR

METHODS = ("snip", "grasp", "synflow")


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


def test_only_final_ones_need_training():
    """SNIP, GraSP and SynFlow prune before training, as published; after training they are criteria of their own."""
    assert [criteria.needs_training(f"{method}_{moment}") for method in METHODS for moment in ("init", "final")] == [
        False,
        True,
    ] * 3
