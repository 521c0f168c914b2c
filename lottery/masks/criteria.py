"""Mask criteria: which weights a round keeps. To add one, write a decorated function here.

A criterion returns scores; weights with higher scores are kept. It names what it needs as arguments:

    w_init     (R, ...) weights of one layer at the start of the round
    w_final    (R, ...) the same weights at the end of its training
    mask       (R, ...) True where the weight is not pruned yet
    generator  a random stream of this replica, round and layer
    gradient_init, gradient_final    (R, ...) slope of the loss in these weights, before and after the round's training
    curvature_init, curvature_final  (R, ...) Hessian of the loss times its gradient, outputs divided by 200
    flow_init, flow_final            (R, ...) slope of the outputs' sum for an input of ones, all weights at their size

and returns a tensor of their shape. R is the replica axis; the suite passes one replica at a time, so that a criterion
cannot mix seeds. One that asks for nothing `_final` prunes before training, and its masks need no dense run. Slopes are
taken in float64 on ten training samples a class, or in a planted network on 40 drawn for it (`lottery.masks.saliency`).
Ranking, exact counts, already pruned weights and ties are not a criterion's business: `lottery.masks.ranking` has them.
Names and formulas: Zhou et al. 2019, section 2, Fig. 2.
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.registry import Registry
from lottery.masks.own_code import Unusable
from lottery.masks.surroundings import kept
from lottery.store.fingerprints import listed
from lottery.store.places import raised

DERIVATIVES = tuple(f"{what}_{moment}" for what in ("gradient", "curvature", "flow") for moment in ("init", "final"))
CRITERIA = criterion = Registry("criterion", "criteria", ("w_init", "w_final", "mask", "generator", *DERIVATIVES))
REPLACED: dict[str, str] = {}  # by name, what `--as` put in a criterion's place, in words
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # scores of any other dtype become float64


def needs_training(name: str) -> bool:
    """Return whether the criterion looks at trained weights."""
    return any(CRITERIA.asks(name, argument) for argument in CRITERIA.arguments if argument.endswith("_final"))


@listed  # it refuses scores or passes them on as they are: no result depends on how
def score(name: str, **offered: Any) -> Tensor:
    """Return the scores (1, ...) of a layer of one replica; raise where there are none that weights can be ranked by.

    A criterion gets copies, and copies are taken of what it returns: nothing that it does in place reaches a network.
    """
    asked = {argument: offered[argument] for argument in CRITERIA.arguments if CRITERIA.asks(name, argument)}
    copies = {argument: value.clone() if isinstance(value, Tensor) else value for argument, value in asked.items()}
    generator = offered.get("generator")
    seed = 0 if generator is None else generator.initial_seed()
    return scored(name, copies, offered["w_init"], offered["mask"], seed)


@listed
def scored(name: str, given: dict[str, Any], weights: Tensor, mask: Tensor, seed: int) -> Tensor:
    """Return the scores that a criterion makes of what it is given, and may spoil; raise as `score` does.

    `weights` and `mask` say what scores are due, global random numbers begin at `seed`. What one of this module's own
    leaves alone need not be put back, which would take longer than the scores.
    """
    ours = CRITERIA.find(name).__module__ == __name__
    try:
        with nullcontext() if ours else kept(seed):
            return _checked(CRITERIA.call(name, **given), weights, mask)
    except KeyboardInterrupt:
        raise
    except Unusable as error:
        raise LotteryError(f"{shown(name)} {error}") from error
    except (
        BaseException
    ) as error:  # whatever it raises, an exit or a skipped test, concerns the claims that use it alone
        raise LotteryError(f"{shown(name)} {raised(error)}") from error


def shown(name: str) -> str:
    """Return a criterion's name in messages, with what stands in its place in this run."""
    return f"criterion {name!r}" + (f", which is {REPLACED[name]} here," if name in REPLACED else "")


def _checked(result: object, weights: Tensor, mask: Tensor) -> Tensor:
    """Return a copy of the scores as plain real numbers; raise for what is none, and for NaN where there is a weight.

    Infinite scores are scores: such weights are kept first or last.
    """
    wanted = f"for a layer of shape {tuple(weights.shape)}; it must return one score per weight"
    if not isinstance(result, Tensor):
        raise Unusable(f"returned {type(result).__name__} {wanted}")
    if result.layout != torch.strided or result.is_nested or result.is_quantized or result.is_complex():
        kind = "a quantised tensor" if result.is_quantized else f"a tensor of {result.dtype}, {result.layout}"
        raise Unusable(f"returned {kind}, {wanted}, a real number in a dense tensor")
    if result.shape != weights.shape:
        raise Unusable(f"returned {tuple(result.shape)} {wanted}")
    if result.device != weights.device:
        raise Unusable(f"returned a tensor on {result.device} {wanted}, on {weights.device}")
    scores = result.detach().as_subclass(Tensor)
    scores = scores.clone() if scores.dtype in FLOATS else scores.double()
    if torch.isnan(scores[mask]).any():
        raise Unusable(f"returned NaN {wanted}, a number")
    return scores


def percentile(values: Tensor, mask: Tensor) -> Tensor:
    """Return for each weight the share of its layer's unpruned weights with a smaller value; 0 for a pruned one."""
    ordered = values[mask].sort().values
    return torch.searchsorted(ordered, values.contiguous()) / max(1, len(ordered)) * mask


def same_sign(w_init: Tensor, w_final: Tensor) -> Tensor:
    """Return where a weight ended with the sign that it started with. A zero has the sign of zeros only."""
    return w_init.sign() == w_final.sign()


@criterion
def large_final(w_final: Tensor) -> Tensor:
    """|w_f|: keep what is large after training. The criterion of Frankle & Carbin 2019."""
    return w_final.abs()


@criterion
def small_final(w_final: Tensor) -> Tensor:
    """-|w_f|: keep what is small after training."""
    return -w_final.abs()


@criterion
def large_init(w_init: Tensor) -> Tensor:
    """|w_i|: keep what is large before training."""
    return w_init.abs()


@criterion
def small_init(w_init: Tensor) -> Tensor:
    """-|w_i|: keep what is small before training."""
    return -w_init.abs()


@criterion
def large_init_large_final(w_init: Tensor, w_final: Tensor, mask: Tensor) -> Tensor:
    """min(alpha |w_f|, |w_i|), alpha aligning the percentiles of the two: keep what is large before and after.

    Their percentiles are compared directly, which is what alpha stands for: the code of Zhou et al. searches the common
    percentile above which both lie. Here the count is exact, there it is approximate.
    """
    return torch.minimum(percentile(w_init.abs(), mask), percentile(w_final.abs(), mask))


@criterion
def small_init_small_final(w_init: Tensor, w_final: Tensor, mask: Tensor) -> Tensor:
    """-max(alpha |w_f|, |w_i|), alpha aligning the percentiles of the two: keep what is small before and after."""
    return -torch.maximum(percentile(w_init.abs(), mask), percentile(w_final.abs(), mask))


@criterion
def magnitude_increase(w_init: Tensor, w_final: Tensor) -> Tensor:
    """|w_f| - |w_i|: keep what has grown."""
    return w_final.abs() - w_init.abs()


@criterion
def movement(w_init: Tensor, w_final: Tensor) -> Tensor:
    """|w_f - w_i|: keep what has moved."""
    return (w_final - w_init).abs()


@criterion
def large_final_same_sign(w_init: Tensor, w_final: Tensor) -> Tensor:
    """max(0, w_i w_f / |w_i|): |w_f| where the sign is that of the start, else 0: changed signs are tied."""
    return torch.where(same_sign(w_init, w_final), w_final.abs(), 0.0)


@criterion
def large_final_diff_sign(w_init: Tensor, w_final: Tensor) -> Tensor:
    """max(0, -w_i w_f / |w_i|): |w_f| where the sign has changed, else 0. The control of large_final_same_sign."""
    return torch.where(same_sign(w_init, w_final), 0.0, w_final.abs())


@criterion
def magnitude_increase_same_sign(w_init: Tensor, w_final: Tensor) -> Tensor:
    """|w_f| - |w_i| where the sign is that of the start, else 0.

    As in the code of Zhou et al. a weight that changed sign scores 0, and outranks one that kept its sign and shrank.
    """
    return torch.where(same_sign(w_init, w_final), magnitude_increase(w_init, w_final), 0.0)


@criterion
def magnitude_increase_diff_sign(w_init: Tensor, w_final: Tensor) -> Tensor:
    """|w_f| - |w_i| where the sign has changed, else 0. The control of magnitude_increase_same_sign."""
    return torch.where(same_sign(w_init, w_final), 0.0, magnitude_increase(w_init, w_final))


@criterion
def random(w_init: Tensor) -> Tensor:
    """0: all weights are tied, and ties are broken at random."""
    return torch.zeros_like(w_init)


@criterion
def snip_init(w_init: Tensor, gradient_init: Tensor) -> Tensor:
    """|w_i dL/dw_i|: keep what the loss is most sensitive to before training. SNIP (Lee et al. 2019, equation 6)."""
    return (w_init * gradient_init).abs()


@criterion
def snip_final(w_final: Tensor, gradient_final: Tensor) -> Tensor:
    """|w_f dL/dw_f|: the score of SNIP after training."""
    return (w_final * gradient_final).abs()


@criterion
def grasp_init(w_init: Tensor, curvature_init: Tensor) -> Tensor:
    """w_i H g: keep what the gradient's norm would suffer from losing, before training.

    GraSP (Wang et al. 2020, equation 8).
    """
    return w_init * curvature_init


@criterion
def grasp_final(w_final: Tensor, curvature_final: Tensor) -> Tensor:
    """w_f H g: the score of GraSP after training."""
    return w_final * curvature_final


@criterion
def synflow_init(w_init: Tensor, flow_init: Tensor) -> Tensor:
    """|w_i| dR/d|w_i|: keep what carries the most flow from inputs to outputs, before training.

    SynFlow (Tanaka et al. 2020, equation 5).
    """
    return w_init.abs() * flow_init


@criterion
def synflow_final(w_final: Tensor, flow_final: Tensor) -> Tensor:
    """|w_f| dR/d|w_f|: the score of SynFlow after training."""
    return w_final.abs() * flow_final
