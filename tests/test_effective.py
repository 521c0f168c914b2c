"""Effective masks: searches of graphs, slopes of random weights, networks of every make, and what stays as it is."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from lottery.core.errors import LotteryError
from lottery.masks.effective import effective
from lottery.masks.reach import FUNCTIONS, KINDS
from lottery.masks.similarity import nested


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def weights_of(module):
    return {name: values for name, values in module.named_parameters() if values.dim() > 1}


def drawn(module, seed, density):
    return {name: torch.rand(of.shape, generator=generator(seed + place)) < density
            for place, (name, of) in enumerate(weights_of(module).items())}  # fmt: skip


def alive(edges, ends):
    """Return everything from which one of `ends` can be reached along edges (from, to)."""
    found = set(ends)
    while new := {start for start, end in edges if end in found} - found:
        found |= new
    return found


def searched(layers, masks, from_inputs):
    """Return the effective masks by a search of the graph; `layers` has the edges (from, to, place) of every weight."""
    edges = [(start, end) for layer, mask in zip(layers, masks) for start, end, place in layer if mask[place]]
    outputs = {end for _, end, _ in layers[-1]}
    backward = alive(edges, outputs)
    forward = alive([(end, start) for start, end in edges], {start for start, _, _ in layers[0]})
    found = [torch.zeros_like(mask) for mask in masks]
    for layer, mask, one in zip(layers, masks, found):
        for start, end, place in layer:
            one[place] |= mask[place] & (end in backward) & (not from_inputs or start in forward)
    return found


def dense(depth, outputs, inputs):
    return [((depth, j), (depth + 1, i), (i, j)) for i, j in itertools.product(range(outputs), range(inputs))]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.6), st.booleans())
def test_perceptrons_equal_a_search(seed, density, from_inputs):
    """Every weight from which a path leads to an output, and to which one leads from an input, where that is asked."""
    sizes = (4, 5, 3, 5, 2)
    module = nn.Sequential(*(part for two in zip(sizes, sizes[1:]) for part in (nn.Linear(*two), nn.Tanh())))
    masks = drawn(module, seed, density)
    layers = [dense(depth, *two[::-1]) for depth, two in enumerate(zip(sizes, sizes[1:]))]
    expected = searched(layers, list(masks.values()), from_inputs)
    found = effective(module, masks, (4,), from_inputs)
    assert list(found) == list(masks)
    assert all(torch.equal(one, plain) for one, plain in zip(found.values(), expected))


def convolution(depth, module, side, pooled=1):
    """Return the edges of a convolution of a square image and of the pooling after it, and the new side."""
    outputs, inputs, size, _ = module.weight.shape
    padding, stride = module.padding[0], module.stride[0]
    across = (side + 2 * padding - size) // stride + 1
    edges = []
    for o, i, a, b, y, x in itertools.product(range(outputs), range(inputs), *[range(size)] * 2, *[range(across)] * 2):
        row, column = y * stride + a - padding, x * stride + b - padding
        if 0 <= row < side and 0 <= column < side and max(y, x) < across // pooled * pooled:
            edges.append(((depth, i, row, column), (depth + 1, o, y // pooled, x // pooled), (o, i, a, b)))
    return edges, across // pooled


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.03, 0.5), st.booleans(), st.booleans())
def test_convolutions_equal_a_search(seed, density, from_inputs, largest):
    """Place by place of the image, with padding, strides, pooling of either kind that leaves out an edge, flattening.

    A maximum may come from any place of its window.
    """
    first, second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 2, 3, stride=2, padding=1)
    pool = nn.MaxPool2d(2) if largest else nn.AvgPool2d(2)
    module = nn.Sequential(
        first, nn.BatchNorm2d(3), nn.ReLU(inplace=True), pool, second, nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)
    )
    masks = drawn(module, seed, density)
    one, side = convolution(0, first, 5, pooled=2)
    two, side = convolution(1, second, side)
    assert side == 1
    three = [((2, j, 0, 0), (3, i), (i, j)) for i, j in itertools.product(range(2), range(2))]
    expected = searched([one, two, three], list(masks.values()), from_inputs)
    found = effective(module, masks, (1, 5, 5), from_inputs)
    assert all(torch.equal(one, plain) for one, plain in zip(found.values(), expected))


class Residual(nn.Module):
    """Shortcuts, gates, groups, functions of every kind, arithmetic in place and with constants."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.inner, self.outer = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Conv2d(4, 4, 1)
        self.gate, self.down = nn.Linear(4, 4), nn.Conv2d(4, 6, 2, stride=2)
        self.head = nn.Linear(12, 3)

    def forward(self, images):
        x = functional.max_pool2d(
            self.norm(self.stem((images - 0.5) / 0.25)).relu(), 3, stride=2, padding=1, ceil_mode=True
        )
        y = self.outer(functional.gelu(self.inner(x)))
        y += x
        gates = torch.sigmoid(self.gate(y.mean((2, 3))))
        x = functional.dropout(y * gates[:, :, None, None], 0.1, self.training)
        x = 1 - self.down(functional.pad(x, (0, 1, 0, 1)))
        both = torch.cat([functional.adaptive_max_pool2d(x, 1), functional.adaptive_avg_pool2d(x, 1)], 1)
        return {"outputs": [self.head(torch.flatten(both, 1))]}


def test_residual_networks_equal_slopes_of_random_weights():
    """What is cut off has no slope for any weights, and what is not has one for some, however they meet on the way."""
    module = Residual().double()
    masks = drawn(module, 5, 0.25)
    found = effective(module, masks, (2, 6, 6), from_inputs=True)
    slopes = {name: torch.zeros(of.shape, dtype=torch.bool) for name, of in weights_of(module).items()}
    for seed in range(60):
        with torch.no_grad():
            for values in module.parameters():
                values.normal_(generator=generator(seed))
            for name, values in weights_of(module).items():
                values *= masks[name]
            for name, values in module.named_parameters():
                if "bias" in name:
                    values.zero_()  # a bias would make alive what no input reaches
        module.eval()
        inputs = torch.randn(20, 2, 6, 6, generator=generator(seed), dtype=torch.float64) + 0.5
        module.zero_grad()
        module(inputs)["outputs"][0].pow(2).sum().backward()
        for name, values in weights_of(module).items():
            slopes[name] |= values.grad != 0
    for name, mask in masks.items():
        assert torch.equal(found[name], mask & slopes[name]), name
    assert 0 < sum(int(mask.sum()) for mask in found.values()) < sum(int(mask.sum()) for mask in masks.values())


def test_very_deep_networks_neither_overflow_nor_vanish():
    """A path a thousand layers long, once with wide layers on the way and once with saturating functions."""
    deep = nn.Sequential(*(part for _ in range(1000) for part in (nn.Linear(6, 6), nn.Sigmoid())))
    whole = {name: torch.ones(6, 6, dtype=torch.bool) for name in weights_of(deep)}
    assert all(mask.all() for mask in effective(deep, whole, (6,), from_inputs=True).values())
    narrow = {name: torch.eye(6, dtype=torch.bool) for name in whole} | {
        "1000.weight": torch.zeros(6, 6, dtype=torch.bool)
    }
    found = effective(deep, narrow, (6,), from_inputs=False)
    assert not any(found[f"{2 * place}.weight"].any() for place in range(501))
    assert all(torch.equal(found[f"{2 * place}.weight"], narrow["0.weight"]) for place in range(501, 1000))


def test_slopes_are_set_to_one_on_the_way():
    """Where they would grow a thousand times by five beside weights that are pruned, or shrink as often to a third."""
    wide = nn.Sequential(*(nn.Linear(6, 6) for _ in range(1000)))
    blocks = torch.block_diag(torch.ones(5, 5), torch.ones(1, 1)).bool()
    masks = dict.fromkeys(weights_of(wide), blocks)
    assert all(torch.equal(mask, blocks) for mask in effective(wide, masks, (6,), from_inputs=True).values())
    pools = nn.Sequential(*(part for _ in range(1000) for part in (nn.Linear(1, 1), nn.AvgPool1d(3, 1, 1))))
    masks = {name: torch.ones(1, 1, dtype=torch.bool) for name in weights_of(pools)}
    assert all(mask.all() for mask in effective(pools, masks, (1, 1), from_inputs=True).values())


@pytest.mark.parametrize(
    "middle, connects",
    [(nn.LayerNorm(6), True), (nn.Softmax(dim=1), True), (nn.GroupNorm(2, 6), False), (nn.BatchNorm1d(6), False)],
)
def test_normalisation_connects_what_it_takes_together(middle, connects):
    """A unit of one group depends on all of it; a batch's normalisation keeps units apart."""
    module = nn.Sequential(nn.Linear(2, 6), middle, nn.Linear(6, 1))
    masks = {name: torch.ones(of.shape, dtype=torch.bool) for name, of in weights_of(module).items()}
    masks["2.weight"] = torch.tensor([[True] + [False] * 5])
    rows = effective(module, masks, (2,))["0.weight"].any(1).tolist()
    assert rows == (
        [True] * 6
        if connects
        else [True] * 3 + [False] * 3
        if isinstance(middle, nn.GroupNorm)
        else [True] + [False] * 5
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_laws(seed):
    """Effective masks lie in the masks, need no second pass, ask more from inputs too, and grow with the masks."""
    module = Residual()
    masks, more = drawn(module, seed, 0.2), drawn(module, seed, 0.3)
    found, both = effective(module, masks, (2, 6, 6)), effective(module, masks, (2, 6, 6), from_inputs=True)
    assert nested(found, masks) and nested(both, found) and nested(found, effective(module, more, (2, 6, 6)))
    for once, from_inputs in ((found, False), (both, True)):
        again = effective(module, once, (2, 6, 6), from_inputs)
        assert all(torch.equal(again[name], once[name]) for name in once)


def test_the_module_stays_as_it_was():
    """Weights, buffers, modes and gradients; it may have no weights at all, and masks of some layers alone."""
    module = Residual()
    module.norm.eval()
    state, before = copy.deepcopy(module.state_dict()), torch.get_rng_state()
    masks = {"head.weight": torch.zeros(3, 12, dtype=torch.bool)}
    assert not effective(module, masks, (2, 6, 6))["head.weight"].any()
    assert module.training and not module.norm.training and torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(state[name], value) for name, value in module.state_dict().items())
    assert all(value.grad is None and value.requires_grad for value in module.parameters())
    with torch.device("meta"):
        bodiless = Residual()
    masks = drawn(bodiless, 3, 0.3)
    there, here = effective(bodiless, masks, (2, 6, 6)), effective(module, masks, (2, 6, 6))
    assert all(torch.equal(there[name], here[name]) for name in masks)


class Lambda(nn.Module):
    """One function after a layer."""

    def __init__(self, function):
        super().__init__()
        self.layer, self.function = nn.Linear(3, 3), function

    def forward(self, inputs):
        return self.function(self.layer(inputs))


MASK = torch.ones(3, 3, dtype=torch.bool)


@pytest.mark.parametrize(
    "module, masks, message",
    [
        (Lambda(torch.cumsum), {"layer.weight": MASK}, "cannot compute with an input of shape .*TypeError"),
        (Lambda(lambda x: x.cumsum(1)), {"layer.weight": MASK}, "cannot be traced through torch's cumsum"),
        (Lambda(lambda x: x), {"weight": MASK}, "has no parameter 'weight'; it has layer.weight, layer.bias"),
        (Lambda(lambda x: x), {"layer.weight": MASK[:1]}, r"has shape \(1, 3\) for a parameter of shape \(3, 3\)"),
        (Lambda(lambda x: x), {"layer.bias": MASK[0]}, "masks of biases have no effect to trace"),
        (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), {"1.weight": MASK[0]}, "masks of the scales of batch_norm"),
        (
            nn.Sequential(nn.Linear(4, 3)),
            {"0.weight": torch.ones(3, 4).bool()},
            "cannot compute with an input of shape",
        ),
        (
            nn.Sequential(nn.Unflatten(1, (1, 3)), nn.MaxPool1d(2, dilation=2, stride=1), nn.Linear(1, 3)),
            {"2.weight": MASK[:, :1]},
            "a max_pool1d that is dilated",
        ),
    ],
)
def test_what_cannot_be_followed_is_one_message(module, masks, message):
    """Functions that are not known, masks of nothing, of biases and scales, and inputs of another shape."""
    with pytest.raises(LotteryError, match=message):
        effective(module, masks, (3,))


def test_modules_are_followed_as_they_are_evaluated():
    """What a module does in training alone is no way to an output."""

    class Auxiliary(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs) if self.training else inputs

    module = nn.Sequential(nn.Linear(3, 3), Auxiliary(3, 3))
    found = effective(module, {"0.weight": MASK, "1.weight": MASK}, (3,))
    assert found["0.weight"].all() and not found["1.weight"].any() and module[1].training


def test_functions_are_of_one_kind():
    """None is listed twice."""
    assert len(KINDS) == sum(len(names.split()) for names in FUNCTIONS.values())


def test_a_network_without_a_way_keeps_nothing():
    """Outputs that depend on no weight leave none effective, and no mask has none."""
    assert effective(Lambda(torch.detach), {}, (3,)) == {}
    assert not effective(Lambda(torch.detach), {"layer.weight": MASK}, (3,))["layer.weight"].any()
