"""Pruning of any module: which of its weights are kept next. Nothing is changed; `lottery.masks.holding` does that."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn

from lottery.core.errors import LotteryError, SuiteWarning
from lottery.core.rng import stream
from lottery.masks.mask import Masks, fitting
from lottery.masks.module_scores import Criterion, Scores
from lottery.masks.module_weights import prunable
from lottery.masks.selection import largest
from lottery.masks.structured import keep_units, remaining, stuck, units_left
from lottery.models.task import CROSS_ENTROPY

SCOPES = ("global", "layer", "units")


def prune(
    module: nn.Module,
    criterion: Criterion = "large_final",
    keep: float | Fraction = 0.8,
    *,
    masks: Masks | None = None,
    initial: Mapping[str, Tensor] | None = None,
    scope: str = "global",
    axis: int | None = None,
    norm: float = 2,
    only: Sequence[str] = (),
    except_: Sequence[str] = (),
    samples: tuple[Tensor, Tensor] | None = None,
    loss: str = CROSS_ENTROPY,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Return the masks of the weights that are kept next, by parameter name; the module stays as it is.

    `keep` with a decimal point, or a `Fraction`, is a SHARE OF WHAT THE MASKS SO FAR KEEP: 0.8 after 0.8 leaves 0.64 of
    all. A whole number is a COUNT of what is left: `keep=1` keeps one, `keep=1.0` all. A share removes the nearest
    whole number, half to even, as `torch.nn.utils.prune` does, and leaves one at least.

    scope "global"  of the weights of all layers together
          "layer"   of the weights of each layer
          "units"   of each layer's units along `axis` of its weights, by the `norm` of their scores; weights are
                    (out, in[, h, w]), those of transposed convolutions (in, out, ...)
    masks           those so far, every weight where they have none; others among them are returned as they are
    criterion       a name of `lottery/masks/criteria.py`, or a function with arguments of the names there, tensors of
                    shape (1, ...), that returns a score for every weight, the larger the rather kept
    initial         `snapshot(module)` from before training, for criteria that ask for `w_init`
    samples, loss   (inputs, labels) on which derivatives are taken, for criteria that ask for one
    only, except_   names of parameters or modules: what to prune, and what not (`lottery.masks.prunable`)
    generator       draws among equal scores; without one a stream of its own, the same in every call

    On axis 0 the units of the last layer, which are the outputs, are pruned only where `only` is given. Layers that are
    left with nothing, and such as have too few units for a share to take any, are warned of (`SuiteWarning`).
    """
    chosen = prunable(module, only, except_)
    if scope == "units" and axis == 0 and not only:
        last, _ = chosen.popitem()
        if not chosen:
            raise LotteryError(f"units of {last} are the outputs of the module; name it in only= to prune them")
    before = _before(module, chosen, masks or {})
    generator = stream(0, "lottery.masks.prune") if generator is None else generator
    scores = Scores(module, criterion, before, initial, samples, loss, generator)
    if scope == "units":
        after = _units(scores, keep, axis, norm)
    elif scope in SCOPES:
        groups = [list(before)] if scope == "global" else [[name] for name in before]
        after = {name: mask for group in groups for name, mask in _weights(scores, group, keep).items()}
    else:
        raise LotteryError(f"there is no scope {scope!r}; the scopes are {', '.join(SCOPES)}")
    for name in after:
        if before[name].any() and not after[name].any():
            warnings.warn(f"nothing is left of {name}: nothing gets through it", SuiteWarning, stacklevel=3)
    return {**(masks or {}), **after}


def _before(module: nn.Module, chosen: Mapping[str, nn.Parameter], masks: Masks) -> dict[str, Tensor]:
    """Return the masks so far of what is pruned, on its device: whole where there is none."""
    fitting(module, masks)
    return {
        name: masks[name].to(values.device) if name in masks else torch.ones_like(values, dtype=torch.bool)
        for name, values in chosen.items()
    }


def _weights(scores: Scores, names: Iterable[str], keep: float | Fraction) -> dict[str, Tensor]:
    """Return the masks of these layers with so many of their weights together."""
    before = {name: scores.masks[name] for name in names}
    left = sum(int(mask.count_nonzero()) for mask in before.values())
    count = _count(left, keep, "weights of " + ", ".join(before))
    return dict(
        zip(before, largest([scores.of(name) for name in before], list(before.values()), count, scores.generator))
    )


def _units(scores: Scores, keep: float | Fraction, axis: int | None, norm: float) -> dict[str, Tensor]:
    """Return the masks with so many units of each layer."""
    if axis is None:
        raise LotteryError("say which axis= of the weights units lie on: 0 for a layer's outputs, 1 for its inputs")
    after = {}
    for name, mask in scores.masks.items():
        left = units_left(mask, axis)
        count = _count(left, keep, f"units of {name}")
        if left and not isinstance(keep, int) and stuck(left, _share(keep), nearest=True):
            warnings.warn(
                f"{name} keeps its {left} units: a share of {keep} of them removes none, now or later",
                SuiteWarning,
                stacklevel=4,
            )
        after[name] = keep_units(scores.of(name), mask, axis, norm, count, scores.generator)
    return after


def _count(left: int, keep: float | Fraction, what: str) -> int:
    """Return how many are kept of so many."""
    if isinstance(keep, bool) or not isinstance(keep, (int, float, Fraction)):
        raise LotteryError(f"keep={keep!r} is neither a share, such as 0.8, nor a count")
    if isinstance(keep, int):
        if not min(1, left) <= keep <= left:
            raise LotteryError(f"keep={keep} is a count, and there are {left} {what}; a share has a decimal point, 1.0")
        return keep
    if not 0 < keep <= 1:
        raise LotteryError(f"keep={keep} is a share, and lies above 0 and at most at 1.0; a count is a whole number")
    return remaining(left, _share(keep), nearest=True)


def _share(keep: float | Fraction) -> Fraction:
    """Return the share that goes; that of a float is what its digits say."""
    return 1 - Fraction(str(keep))
