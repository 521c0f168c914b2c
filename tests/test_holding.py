"""Holding masks: zeros stay zeros whatever an optimiser does, kept weights move as they would, rewinding is exact."""

import copy

import pytest
import torch
from torch import nn, optim
from torch.func import functional_call
from torch.nn.utils import prune as torch_prune

from lottery.core.errors import LotteryError
from lottery.masks.holding import apply, from_torch, from_zeros, keep_pruned, rewind
from lottery.masks.starts import snapshot

OPTIMISERS = {
    "sgd with momentum and decay": lambda of: optim.SGD(of, 0.1, momentum=0.9, weight_decay=0.1),
    "sgd with nesterov": lambda of: optim.SGD(of, 0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "adam": lambda of: optim.Adam(of, 0.01, weight_decay=0.1),
    "amsgrad": lambda of: optim.Adam(of, 0.01, amsgrad=True),
    "adamw": lambda of: optim.AdamW(of, 0.01, weight_decay=0.5),
    "rmsprop": lambda of: optim.RMSprop(of, 0.01, momentum=0.9, centered=True),
    "adagrad": lambda of: optim.Adagrad(of, 0.1, weight_decay=0.1),
}
INPUTS = torch.randn(30, 6, generator=torch.Generator().manual_seed(8))
LABELS = torch.arange(30) % 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(dtype=torch.float32):
    module = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    for place, values in enumerate(module.parameters()):
        nn.init.normal_(values, generator=generator(place))
    return module.to(dtype)


def drawn(module, seed=20, density=0.4):
    return {name: torch.rand(of.shape, generator=generator(seed)) < density
            for name, of in module.named_parameters() if of.dim() > 1}  # fmt: skip


def step(module, optimiser):
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(INPUTS), LABELS).backward()
    optimiser.step()


def weights(module, masks):
    parameters = dict(module.named_parameters())
    return {name: parameters[name].detach() for name in masks}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_pruned_weights_stay_zero_and_others_move_as_ever(name):
    """After every step, begun with momentum in all; kept weights are those of a forward pass that multiplies masks."""
    module = network()
    optimiser = OPTIMISERS[name](module.parameters())
    for _ in range(3):
        step(module, optimiser)
    other = copy.deepcopy(module)
    others = OPTIMISERS[name](other.parameters())
    others.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    masks = drawn(module)
    keep_pruned(optimiser, module, masks)
    assert all((of[~masks[key]] == 0).all() for key, of in weights(module, masks).items())
    for _ in range(6):
        step(module, optimiser)
        others.zero_grad()
        masked = {key: of * masks[key] if key in masks else of for key, of in other.named_parameters()}
        nn.functional.cross_entropy(functional_call(other, masked, (INPUTS,)), LABELS).backward()
        others.step()
        for key, of in weights(module, masks).items():
            assert (of[~masks[key]] == 0).all() and (module.get_parameter(key).grad[~masks[key]] == 0).all()
            assert torch.equal(of[masks[key]], weights(other, masks)[key][masks[key]])
        assert torch.equal(module[0].bias, other[0].bias)
    averages = [(key, of) for key in masks for of in optimiser.state[module.get_parameter(key)].values() if of.dim()]
    assert averages and all((of[~masks[key]] == 0).all() for key, of in averages)


def test_without_being_held_they_revive():
    """What the hooks are for: momentum alone moves weights that were set to zero once."""
    module = network()
    optimiser = OPTIMISERS["sgd with momentum and decay"](module.parameters())
    step(module, optimiser)
    masks = drawn(module)
    with keep_pruned(optimiser, module, masks):
        step(module, optimiser)
        assert all((of[~masks[key]] == 0).all() for key, of in weights(module, masks).items())
    step(module, optimiser)
    assert all((of[~masks[key]] != 0).any() for key, of in weights(module, masks).items())
    held = keep_pruned(optimiser, module, masks)
    held.remove()
    step(module, optimiser)
    assert any((of[~masks[key]] != 0).any() for key, of in weights(module, masks).items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_applying_sets_pruned_weights_to_zero_and_no_others(dtype):
    """In place, NaN and infinity too, twice as once; parameters remain the same objects."""
    module = network(dtype)
    masks, before, objects = drawn(module), snapshot(module), [*map(id, module.parameters())]
    with torch.no_grad():
        module[0].weight[0, 0], module[0].weight[0, 1] = torch.nan, torch.inf
    masks["0.weight"][0, :2] = False
    for _ in range(2):
        apply(module, masks)
        for name, of in module.state_dict().items():
            kept = masks.get(name, torch.ones_like(of, dtype=torch.bool))
            assert torch.equal(of[kept], before[name][kept]) and (of[~kept] == 0).all()
    assert objects == [*map(id, module.parameters())] and all(of.requires_grad for of in module.parameters())


def test_rewinding_is_exact():
    """Weights, biases, scales and statistics are those of the start, pruned weights zero; nothing is replaced."""
    module = network()
    initial, objects = snapshot(module), [*map(id, module.parameters())]
    optimiser = OPTIMISERS["adamw"](module.parameters())
    for _ in range(3):
        step(module, optimiser)
    assert not torch.equal(module[1].running_mean, initial["1.running_mean"])
    masks = drawn(module)
    rewind(module, initial, masks)
    assert objects == [*map(id, module.parameters())]
    for name, of in module.state_dict().items():
        assert torch.equal(of, initial[name] * masks[name] if name in masks else initial[name])
    assert initial["0.weight"].data_ptr() != module[0].weight.data_ptr()


def test_masks_are_read_off():
    """From zeros, and from what torch.nn.utils.prune holds, under the names of the plain weights."""
    module = network()
    masks = drawn(module)
    apply(module, masks)
    assert all(torch.equal(of, masks[name]) for name, of in from_zeros(module).items())
    assert list(from_zeros(module, except_=["3"])) == ["0.weight"]
    module.register_buffer("causal_mask", torch.ones(2))
    assert from_torch(module) == {}
    for name in masks:
        torch_prune.custom_from_mask(module[int(name[0])], "weight", masks[name])
    found = from_torch(module)
    assert list(found) == list(masks) and all(torch.equal(of, masks[name]) for name, of in found.items())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda module, masks: apply(module, {"9": masks["0.weight"]}), "the module has no parameter '9'"),
        (lambda module, masks: apply(module, {"0.weight": masks["3.weight"]}), r"'0.weight' has shape \(3, 8\) for"),
        (lambda module, masks: rewind(module, {}, masks), "initial has no '0.weight'"),
        (lambda module, masks: rewind(module, module.state_dict(), masks), "the module's own '0.weight'"),
        (lambda module, masks: rewind(module, None, masks), "the initial weights are needed"),
        (
            lambda module, masks: keep_pruned(optim.SGD(network().parameters(), 0.1), module, masks),
            "the optimiser trains none of the masked weights",
        ),
    ],
)
def test_what_cannot_be_held_is_one_message(call, message):
    """Masks of nothing, starts that are none, and the optimiser of another module; nothing has changed then."""
    module = network()
    before = snapshot(module)
    with pytest.raises(LotteryError, match=message):
        call(module, drawn(module))
    assert all(torch.equal(of, before[name]) for name, of in module.state_dict().items())
