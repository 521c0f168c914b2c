"""The contract of a criterion, checked on small made-up layers before anything is trained.

It has to return a score for every weight, a number and no NaN, of linear layers, convolutions and biases; the same ones
when it is asked again; to leave what it is given as it is; and not to look at weights that are pruned already. What a
criterion may well do on purpose, such as ranking by the sign of weights, is remarked and not refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.masks.criteria import CRITERIA, DERIVATIVES, scored, shown
from lottery.masks.surroundings import kept

Offered = Mapping[str, Any]  # what a criterion can ask for, by name
SHAPES = {"a linear layer": (12, 7), "a convolution": (6, 4, 3, 3), "biases": (9,)}
SIGNED = ("w_init", "w_final", *(name for name in DERIVATIVES if not name.startswith("flow")))  # which -w turns round
WEIGHTS = ("w_init", "w_final")
MOVES = ((5, 3), (4, 1), (3, 6))  # of units: several, since code may look at one weight, and at its sign alone
BEFORE = "found on made-up weights of {}, before anything was trained"


def check(name: str) -> list[str]:
    """Return remarks on a criterion; raise where it breaks the contract, with what it did and what to do instead."""
    for told, shape in SHAPES.items():
        try:
            _check(name, shape)
        except LotteryError as error:
            raise LotteryError(f"{error} ({BEFORE.format(told)})") from None
    layer = _layer(SHAPES["a linear layer"])
    return [f"{shown(name).rstrip(',')}: {told}" for told, holds in REMARKS.items() if holds(name, layer)]


def _check(name: str, shape: tuple[int, ...]) -> None:
    for whole in (True, False):  # as before the first round, and as in later ones
        layer = _layer(shape, whole)
        scores = _scores(name, layer)
        if not _equal(scores, _scores(name, layer)):
            what = "scores the same weights otherwise when it is asked again"
            raise LotteryError(
                f"{shown(name)} {what}; it must depend on its arguments alone: for chance, ask for `generator`"
            )
    others = {argument: _other_where_pruned(value, layer["mask"]) for argument, value in layer.items()}
    if not _alike(scores, _scores(name, others), layer["mask"]):
        what = (
            "looks at pruned weights: with other values where `mask` is False, it ranks those that are left otherwise"
        )
        raise LotteryError(f"{shown(name)} {what}; look at values[mask] alone where you sum, sort or average")


def _layer(shape: tuple[int, ...], whole: bool = False, replicas: int = 1) -> dict[str, Any]:
    """Return a layer of made-up weights, of both signs and a few of them zero, a mask and derivatives."""
    draw = stream(0, "contract", *shape)

    def normal() -> Tensor:
        return torch.randn(replicas, *shape, generator=draw)

    w_init, moved = normal(), normal()
    layer: dict[str, Any] = {"w_init": w_init, "w_final": w_init + moved / 2}
    layer |= {argument: normal() for argument in DERIVATIVES}
    mask = torch.rand(replicas, *shape, generator=draw) < 0.7
    layer["w_init"][:, 1], layer["w_final"][:, 2] = 0.0, 0.0  # not the first, which code may look at for all
    mask[:, :3] = True
    return layer | {"mask": torch.ones_like(mask) if whole else mask}


def _scores(name: str, layer: Offered, of: str = "contract") -> Tensor:
    """Return the scores of a made-up layer; raise where there are none, or where an argument was changed."""
    given, seed = _given(name, layer, of)
    scores = scored(name, given, layer["w_init"], layer["mask"], seed)
    for argument, value in given.items():
        if isinstance(value, Tensor) and not _equal(value, layer[argument]):
            told = f"changes `{argument}` in place, which is not its own"
            raise LotteryError(f"{shown(name)} {told}; take a copy first, {argument} = {argument}.clone()")
    return scores


def _given(name: str, layer: Offered, of: str = "contract") -> tuple[dict[str, Any], int]:
    """Return copies of what a criterion asks for, and the seed that global random numbers begin at."""
    offered = {**layer, "generator": stream(0, of)}
    given = {
        argument: value.clone() if isinstance(value, Tensor) else value
        for argument, value in offered.items()
        if CRITERIA.asks(name, argument)
    }
    return given, offered["generator"].initial_seed()


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(torch.nan_to_num(one.double()), torch.nan_to_num(other.double()))


def _other_where_pruned(value: Tensor, mask: Tensor) -> Tensor:
    return value if value.dtype == torch.bool else torch.where(mask, value, 5 - 3 * value.flip(-1))


def _alike(one: Tensor, other: Tensor, mask: Tensor) -> bool:
    """Return whether two lists of scores rank the weights that are left alike; rounding may swap neighbours."""
    return bool((_ranks(one[mask]) - _ranks(other[mask])).abs().max() <= 1)


def _ranks(scores: Tensor) -> Tensor:
    """Return the place of each score in their order; those that tie share the middle of their places."""
    _, group, count = torch.unique(scores.double(), return_inverse=True, return_counts=True)
    return (count.cumsum(0) - (count - 1) / 2)[group]


def _ranks_change(name: str, layer: Offered, change: Callable[[str, Tensor], Tensor]) -> bool:
    """Return whether weights rank otherwise once all that is offered was changed; so they do where that is refused."""
    changed = {argument: change(argument, value) for argument, value in layer.items()}
    try:
        return not _alike(_scores(name, layer), _scores(name, changed), layer["mask"])
    except LotteryError:
        return True


def _depends_on_scale(name: str, layer: Offered) -> bool:
    return _ranks_change(name, layer, lambda argument, value: 1024 * value if argument in WEIGHTS else value)


def _depends_on_sign(name: str, layer: Offered) -> bool:
    return _ranks_change(name, layer, lambda argument, value: -value if argument in SIGNED else value)


def _depends_on_place(name: str, layer: Offered) -> bool:
    """Return whether weights rank otherwise where units change places, which change nothing that a network computes."""
    if CRITERIA.asks(name, "generator"):
        return False
    return any(_ranks_change_with_places(name, layer, by) for by in MOVES)


def _ranks_change_with_places(name: str, layer: Offered, by: tuple[int, int]) -> bool:
    moved = {argument: value.roll(by, (1, 2)) for argument, value in layer.items()}
    try:
        return not _alike(_scores(name, layer).roll(by, (1, 2)), _scores(name, moved), moved["mask"])
    except LotteryError:
        return True


def _mixes_networks(name: str, layer: Offered) -> bool:
    """Return whether it scores two networks at once otherwise than each alone, where it draws nothing."""
    if CRITERIA.asks(name, "generator"):
        return False
    two = _layer(tuple(layer["w_init"].shape[1:]), replicas=2)
    try:
        alone = [_scores(name, {argument: value[one : one + 1] for argument, value in two.items()}) for one in range(2)]
        return not _alike(torch.cat(alone), _scores(name, two), two["mask"])
    except LotteryError:
        return True


def _draws_globally(name: str, layer: Offered) -> bool:
    if CRITERIA.asks(name, "generator"):
        return False
    return not _equal(_scores(name, layer), _scores(name, layer, "another stream"))


def _is_infinite(name: str, layer: Offered) -> bool:
    return bool(_scores(name, layer)[layer["mask"]].isinf().any())


def _is_coarse(name: str, layer: Offered) -> bool:
    """Return whether scores are of fewer bits than weights, as they were returned, before whatever ranks them."""
    given, seed = _given(name, layer)
    with kept(seed):
        returned = CRITERIA.call(name, **given)
    return bool(returned.element_size() < layer["w_init"].element_size())


def _fails_on_constants(name: str, layer: Offered) -> bool:
    """Return whether there are no scores of weights that all start at one size, as in claims about constants."""
    try:
        _scores(name, {**layer, "w_init": layer["w_init"].sign()})
    except LotteryError:
        return True
    return False


REMARKS: dict[str, Callable[[str, Offered], bool]] = {
    "weights 1,024 times as large rank otherwise; layers and networks differ in scale": _depends_on_scale,
    "weights rank otherwise when all have the other sign; take abs() unless that is meant": _depends_on_sign,
    "it ranks by where a weight lies, too: units that change places rank otherwise": _depends_on_place,
    "it cannot score several networks at once as it scores each; this suite always asks for one": _mixes_networks,
    "it draws from global random numbers, which begin anew in every layer; ask for `generator`": _draws_globally,
    "some scores are infinite: such weights are kept first, or last, and tie": _is_infinite,
    "its scores are of fewer bits than the weights, so that many tie, and ties are drawn": _is_coarse,
    "it has no scores where all weights start at one size, as in claims about constants": _fails_on_constants,
}
