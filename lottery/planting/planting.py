"""Planting: hiding a target in larger random networks of its depth (Fischer & Burkholz 2021, section 2.2, algorithm 1).

Layer by layer, every neuron of the target is matched with the free neuron of the host whose parameters, scaled, come
closest to its own, and replaces them at their size. A batch of hosts, (H, ...), is planted at once, each with its
matches.

The paper prints the scale as the one at which host and target come closest. Between many parameters that match badly it
tends to zero, and the planted ones stand out by a factor of up to 70 where they should hide (Circle's last layer).
Unless the printed scale is asked for, they get the norm of what they replace; the same neurons match best either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.planting.targets import Target, forward


@dataclass(frozen=True)
class Network:
    """H ReLU networks of one shape: `weights` (H, inputs, outputs) and `biases` (H, outputs) a layer."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the outputs (H, N, outputs) for inputs (N, inputs)."""
        return forward(self.weights, self.biases, inputs)


@dataclass(frozen=True)
class Planted:
    """H networks in which a target is hidden.

    `network` is the whole; `weight_masks` (H, inputs, outputs) and `bias_masks` (H, outputs) a layer are True where the
    target's parameters lie; the ticket's outputs are `scale` (H, outputs) times the target's.
    """

    network: Network
    weight_masks: tuple[Tensor, ...]
    bias_masks: tuple[Tensor, ...]
    scale: Tensor

    @property
    def ticket(self) -> Network:
        """The networks cut to what was planted."""
        cut = [tuple(values * mask for values, mask in zip(*pair)) for pair in
               ((self.network.weights, self.weight_masks), (self.network.biases, self.bias_masks))]  # fmt: skip
        return Network(*cut)


def hosts(widths: Sequence[int], seeds: Sequence[int]) -> Network:
    """Return a random network a seed, float64: weights N(0, 2 / inputs), biases with the product of deviations so far.

    Biases that are scaled through depth keep their size beside the activations that they are added to (section 2.1).
    """
    if len(widths) < 2 or not seeds:
        raise LotteryError("hosts need the widths of two layers at least, and a seed at least")

    def draw(what: str, place: int, shape: tuple[int, ...], size: float) -> Tensor:
        generators = [stream(seed, "host", what, place) for seed in seeds]
        return size * torch.stack([torch.randn(shape, generator=g, dtype=torch.float64) for g in generators])

    weights, biases, product = [], [], 1.0
    for place, shape in enumerate(pairwise(widths)):
        deviation = sqrt(2 / shape[0])
        product *= deviation
        weights.append(draw("weights", place, shape, deviation))
        biases.append(draw("biases", place, shape[1:], product))
    return Network(tuple(weights), tuple(biases))


def plant(target: Target, host: Network, printed: bool = False) -> Planted:
    """Return the hosts with the target planted in each of them; the hosts themselves are left alone.

    With `printed` the planted parameters get the scale of the paper's algorithm, else the norm of what they replace.
    Raises where the target does not fit: another depth, other inputs or outputs, more neurons in a layer than the
    host's.
    """
    _check(target, host)
    count, inputs = host.weights[0].shape[:2]
    device = host.weights[0].device
    places = torch.arange(inputs, device=device).expand(count, -1)  # (H, neurons of the target) where each of them lies
    scales = torch.ones(count, inputs, dtype=host.weights[0].dtype, device=device)
    layers = []
    for layer in zip(host.weights, host.biases, target.weights, target.biases):
        *planted, places, scales = _plant_layer(*layer, places, scales, printed)
        layers.append(planted)
    weights, biases, weight_masks, bias_masks = zip(*layers)
    return _in_order(Planted(Network(weights, biases), weight_masks, bias_masks, scales), places)


def _check(target: Target, host: Network) -> None:
    widths = (host.weights[0].shape[1], *(bias.shape[1] for bias in host.biases))
    if len(widths) != len(target.widths):
        ours, theirs = f"a target of depth {len(target.widths)}", f"a network of depth {len(widths)}"
        raise LotteryError(f"{ours} cannot be planted in {theirs}; they must be equally deep")
    if (widths[0], widths[-1]) != (target.widths[0], target.widths[-1]):
        ours, theirs = f"{target.widths[0]} inputs and {target.widths[-1]} outputs", f"{widths[0]} and {widths[-1]}"
        raise LotteryError(f"the target has {ours}, the network {theirs}; they must agree")
    for place, (needed, there) in enumerate(zip(target.widths, widths)):
        if needed > there:
            ours, theirs = f"layer {place} of the target has {needed} neurons", f"that of the network {there}"
            raise LotteryError(f"{ours}, {theirs}: there is no neuron for the last ones")


def _plant_layer(
    weight: Tensor,
    bias: Tensor,
    target_weight: Tensor,
    target_bias: Tensor,
    places: Tensor,
    scales: Tensor,
    printed: bool,
) -> tuple[Tensor, ...]:
    """Return a layer (H, I, O) with the target's neurons planted in turn, masks, and where they lie at which scale."""
    weight, bias = weight.clone(), bias.clone()
    weight_mask, bias_mask = (torch.zeros_like(values, dtype=torch.bool) for values in (weight, bias))
    rows, taken, scale = torch.arange(len(weight), device=weight.device), [], []
    free = torch.ones_like(bias, dtype=torch.bool)
    for wanted, wanted_bias in zip(target_weight.to(weight).unbind(1), target_bias.to(bias)):
        used = wanted.nonzero()[:, 0]
        sources = places[:, used]  # (H, K) which of the layer's inputs the target's K non-zero weights come from
        theta, there = wanted[used] / scales[:, used], weight[rows[:, None], sources]  # (H, K) and (H, K, O)
        if wanted_bias:
            theta = torch.cat([theta, wanted_bias.expand(len(theta), 1)], 1)
            there = torch.cat([there, bias.unsqueeze(1)], 1)
        admissible = free & there.any(1)
        if not admissible.any(1).all():
            what = "no free neuron is admissible: where the target's neuron has weights, all of them have zeros"
            where = f"in network {int((~admissible.any(1)).nonzero()[0])} of the batch"
            raise LotteryError(f"{what}, {where}; take hosts without empty neurons")
        place = _match(theta, there, admissible)
        free[rows, place] = False
        replaced = there[rows, :, place]  # (H, K)
        grown = replaced.norm(dim=1) / theta.norm(dim=1)  # (H,)
        if printed:
            grown = replaced.square().sum(1) / (theta * replaced).sum(1).abs()  # 1 / |lambda|
        planted = theta * grown.unsqueeze(1)
        weight[rows[:, None], sources, place[:, None]] = planted[:, : len(used)]
        weight_mask[rows[:, None], sources, place[:, None]] = True
        if wanted_bias:
            bias[rows, place], bias_mask[rows, place] = planted[:, -1], True
        taken.append(place)
        scale.append(grown)
    return weight, bias, weight_mask, bias_mask, torch.stack(taken, 1), torch.stack(scale, 1)


def _match(theta: Tensor, there: Tensor, admissible: Tensor) -> Tensor:
    """Return the neuron (H,) that a target neuron's parameters `theta` (H, K) are planted in.

    `there` (H, K, O) are the parameters m of all neurons, of which those in `admissible` (H, O) can be taken. The best
    is the one that, times lambda = theta m / |m|^2, comes closest to theta, of those with a positive lambda: a ReLU
    passes no other on. Where there is none, as in a narrow last layer, it is the one with the closest line, and signs
    are not kept.
    """
    product, square = torch.einsum("hk,hko->ho", theta, there), there.square().sum(1)
    explained = product.square() / square  # |theta|^2 minus the squared distance at the best lambda
    positive = admissible & (product > 0)
    allowed = torch.where(positive.any(1, keepdim=True), positive, admissible)
    return torch.where(allowed, explained, -torch.inf).argmax(1)


def _in_order(planted: Planted, places: Tensor) -> Planted:
    """Return the networks with their outputs in the order of the target's."""

    def last(values: tuple[Tensor, ...], order: Tensor) -> tuple[Tensor, ...]:
        return (*values[:-1], values[-1].gather(-1, order.expand_as(values[-1])))

    by_row = places.unsqueeze(1)
    network = Network(last(planted.network.weights, by_row), last(planted.network.biases, places))
    return Planted(network, last(planted.weight_masks, by_row), last(planted.bias_masks, places), planted.scale)
