"""Alignment: which hidden units of one network correspond to which of another. Permuting units changes no network.

Networks are chains of linear and convolution layers, given as weights (out, in[, h, w]) in order. Where a linear layer
takes a flattened image, each channel before it owns as many of its inputs in a row as the image has places.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.imported import Imported

linear_sum_assignment = Imported("scipy.optimize", "linear_sum_assignment")

GAIN = 1e-12  # of the inner product: what an assignment has to gain to be taken, lest ties go round for ever


def align(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
    """Return for every hidden layer the units of the second network, (units,) int64, in the order of the first's.

    `permuted(second, align(first, second))` has the largest inner product with the first network's weights that was
    found: layer by layer, given the others, the best assignment is taken until none is better (weight matching,
    Ainsworth et al. 2023, Git Re-Basin, section 3.2). It starts once from the order as it is, than which the result is
    never worse, and once from assignments by the inputs of units alone, the first layer's first. From there a network
    whose units were permuted is aligned exactly, as long as no two units of a layer have the same inputs.

    Raises for networks of other shapes, for such as are no chain, and for weights that are not finite.
    """
    ours, theirs = ([weights.detach().double().cpu() for weights in network] for network in (first, second))
    _check(ours, theirs)
    unmoved = [torch.arange(len(weights)) for weights in ours[:-1]]
    found = [_improved(ours, theirs, start) for start in (unmoved, _by_inputs(ours, theirs, unmoved))]
    return max(found, key=lambda permutations: _product(ours, permuted(theirs, permutations)))


def permuted(tensors: Sequence[Tensor], permutations: Sequence[Tensor]) -> list[Tensor]:
    """Return a network's weights, or masks of them, with the units of every hidden layer in another order.

    A permutation has the units that come first, second and so on, as `align` returns it. Raises where they do not fit.
    """
    sizes = [len(weights) for weights in tensors[:-1]]
    orders = [order.tolist() for order in permutations]
    if len(orders) != len(sizes) or any(sorted(order) != [*range(size)] for order, size in zip(orders, sizes)):
        given = ", ".join(str(len(order)) for order in orders) or "no"
        raise LotteryError(
            f"permutations of {given} units do not fit hidden layers of {', '.join(map(str, sizes))} units"
        )
    moved = [tensors[0]]
    for weights, before, order in zip(tensors[1:], tensors, permutations):
        moved.append(_by_unit(weights, before)[:, order.to(weights.device)].reshape(weights.shape))
    return [weights[order.to(weights.device)] for weights, order in zip(moved, permutations)] + moved[len(orders) :]


def _by_unit(weights: Tensor, before: Tensor) -> Tensor:
    """Return a layer's weights (out, units, ...) by the unit of the layer before that they come from."""
    units = len(before)
    if weights.dim() < 2 or weights.shape[1] % units or (weights.dim() > 2 and weights.shape[1] != units):
        raise LotteryError(
            f"a layer of shape {tuple(weights.shape)} does not follow one of {units} units; "
            "give the weights (out, in[, h, w]) of a chain of layers, in order and without groups"
        )
    return weights.reshape(len(weights), units, -1)


def _check(first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
    shapes = [[tuple(weights.shape) for weights in network] for network in (first, second)]
    if shapes[0] != shapes[1]:
        raise LotteryError(f"networks of shapes {shapes[0]} and {shapes[1]} cannot be aligned; give two of one make")
    if not first or any(not weights.isfinite().all() for weights in (*first, *second)):
        raise LotteryError("there are no weights to align, or some are not finite")
    for weights, before in zip(first[1:], first):
        _by_unit(weights, before)


def _product(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return sum(float((a * b).sum()) for a, b in zip(first, second))


def _entering(first: Sequence[Tensor], second: Sequence[Tensor], orders: Sequence[Tensor], layer: int) -> Tensor:
    """Return the inner products (units, units) of what enters a layer's units, given the order of the layer before."""
    theirs = second[layer]
    if layer:
        theirs = _by_unit(theirs, second[layer - 1])[:, orders[layer - 1]]
    return first[layer].flatten(1) @ theirs.flatten(1).T


def _leaving(first: Sequence[Tensor], second: Sequence[Tensor], orders: Sequence[Tensor], layer: int) -> Tensor:
    """Return the inner products (units, units) of what leaves a layer's units, given the order of the layer after."""
    ours, theirs = (_by_unit(network[layer + 1], network[layer]) for network in (first, second))
    theirs = theirs[orders[layer + 1]] if layer + 1 < len(orders) else theirs
    return ours.movedim(1, 0).flatten(1) @ theirs.movedim(1, 0).flatten(1).T


def _assigned(products: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(products.numpy(), maximize=True)[1])


def _by_inputs(first: Sequence[Tensor], second: Sequence[Tensor], orders: Sequence[Tensor]) -> list[Tensor]:
    """Return orders by what enters the units, layer after layer."""
    orders = list(orders)
    for layer in range(len(orders)):
        orders[layer] = _assigned(_entering(first, second, orders, layer))
    return orders


def _improved(first: Sequence[Tensor], second: Sequence[Tensor], orders: Sequence[Tensor]) -> list[Tensor]:
    """Return orders to which no layer's assignment, given the others, is better; as good as these at least."""
    orders, better = list(orders), True
    scale = _product(first, first) + _product(second, second)
    while better:
        better = False
        for layer in range(len(orders)):
            products = _entering(first, second, orders, layer) + _leaving(first, second, orders, layer)
            found = _assigned(products)
            gain = products.gather(1, found[:, None]).sum() - products.gather(1, orders[layer][:, None]).sum()
            if gain > GAIN * scale:
                orders[layer], better = found, True
    return orders
