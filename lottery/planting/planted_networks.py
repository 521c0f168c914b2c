"""Plantings: networks with a task's target in them, and what the paper says of such, worked out on ten of them."""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.data.made_tasks import SAMPLES, draw, score
from lottery.models.architectures import PRINTED, network
from lottery.planting.planting import Planted, hosts, plant
from lottery.planting.targets import TASKS, Target
from lottery.store.fingerprints import listed

SEEDS = 10


def task_of(name: str) -> tuple[str, int]:
    """Return the task and the depth of a network in which a ticket is planted; raise where none is."""
    words = network(name).name.split("-")
    if words[0] != "planted":
        raise LotteryError(f"nothing is planted in {name}; a search needs a network like planted-circle-5")
    return words[1], int(words[2])


@functools.cache
def target_of(name: str) -> Target:
    """Return the target that is planted in a network."""
    task, depth = task_of(name)
    return TASKS[task](depth)


@listed
def planted_parameters(name: str, seeds: Sequence[int]) -> Tensor:
    """Return the parameters (seeds, P), float32, of networks with a ticket in them, each from a host of its own."""
    return torch.cat([_block(name, found.network.weights, found.network.biases) for found in _each(name, seeds)])


def planted_masks(name: str, seeds: Sequence[int]) -> Tensor:
    """Return where their tickets lie, (seeds, P) bool."""
    return torch.cat([_block(name, found.weight_masks, found.bias_masks) for found in _each(name, seeds)]).bool()


def planted_scales(name: str, seeds: Sequence[int]) -> Tensor:
    """Return what their tickets' outputs are multiples of the target's by, (seeds, 1, outputs)."""
    return torch.cat([found.scale for found in _each(name, seeds)]).unsqueeze(1)


def _each(name: str, seeds: Sequence[int]) -> list[Planted]:
    return [planting(name, (seed,)) for seed in seeds]


def _block(name: str, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Return layers (H, ...) as blocks (H, P) of float32."""
    layout = network(name).layout
    block = torch.zeros(len(weights[0]), layout.size)
    for part, values in zip([*layout.weights, *layout.biases], [*weights, *biases]):
        block[:, part] = values.flatten(1).float()
    return block


@functools.lru_cache(maxsize=32)
def planting(name: str, seeds: tuple[int, ...]) -> Planted:
    """Return a fresh host a seed with the task's target in it, at the norm of what it replaces or the printed scale."""
    layers, printed = network(name).layers, name.endswith(f"-{PRINTED}")
    return plant(target_of(name), hosts([layers[0].shape[0], *(layer.shape[1] for layer in layers)], seeds), printed)


def plantings(task: str, depth: int, printed: bool = False) -> tuple[Target, Planted]:
    """Return the task's target, and ten networks in which it is planted."""
    name = f"planted-{task}-{depth}" + (f"-{PRINTED}" if printed else "")
    return target_of(name), planting(name, tuple(range(SEEDS)))


def off_by_rounding_only(task: str, depth: int) -> bool:
    """Return whether tickets over their scale are the target on 500 inputs, but for 1e-12 of its largest output."""
    target, found = plantings(task, depth)
    inputs = draw(task, 500, 0, "test").inputs
    wanted = target(inputs)
    return bool(
        (found.ticket(inputs) / found.scale.unsqueeze(1) - wanted).abs().max()
        <= 1e-12 * torch.clamp(wanted.abs().max(), min=1)
    )


def size_ratios(task: str, depth: int, printed: bool = False) -> list[float]:
    """Return for each layer the mean size of planted weights over that of the others."""
    _, found = plantings(task, depth, printed)
    sizes = [weights.abs() for weights in found.network.weights]
    return [(size[mask].mean() / size[~mask].mean()).item() for size, mask in zip(sizes, found.weight_masks)]


def recall_of_largest(task: str, depth: int, printed: bool = False) -> float:
    """Return which share of the planted weights is among as many of a network's largest."""
    target, found = plantings(task, depth, printed)
    sizes, masks = (
        torch.cat([layer.flatten(1) for layer in layers], 1)
        for layers in (map(Tensor.abs, found.network.weights), found.weight_masks)
    )
    largest = torch.zeros_like(masks).scatter(1, sizes.topk(target.size, 1).indices, True)
    return ((largest & masks).sum() / masks.sum()).item()


def weights(task: str, depth: int) -> tuple[int, int]:
    """Return the number of weights of the ticket, and of the network that it is planted in."""
    target, found = plantings(task, depth)
    return target.size, sum(layer[0].numel() for layer in found.network.weights)


def densities(task: str, depth: int) -> list[float]:
    """Return for each layer the share of its weights, in per cent, that the ticket has."""
    target, found = plantings(task, depth)
    return [
        100 * int((weight != 0).sum()) / host[0].numel() for weight, host in zip(target.weights, found.network.weights)
    ]


def mean_score(task: str, depth: int) -> float:
    """Return the target's mean score on ten draws of noisy test data: an error, or on circle accuracy in per cent."""
    samples = [draw(task, SAMPLES, seed, "test") for seed in range(SEEDS)]
    scores = [float(score(task, TASKS[task](depth)(sample.inputs), sample.observed)) for sample in samples]
    return sum(scores) / len(scores)
