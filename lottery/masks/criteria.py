"""Mask criteria: which weights a round keeps. To add one, write a decorated function here.

A criterion returns scores, the larger the rather kept. It names what it needs as arguments:

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

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.registry import Registry
from lottery.store.fingerprints import listed

DERIVATIVES = tuple(f"{what}_{moment}" for what in ("gradient", "curvature", "flow") for moment in ("init", "final"))
CRITERIA = criterion = Registry("criterion", "criteria", ("w_init", "w_final", "mask", "generator", *DERIVATIVES))
SOURCES: dict[str, str] = {}  # of users' criteria: the text of their files, which is part of what names their results


def needs_training(name: str) -> bool:
    """Return whether the criterion looks at trained weights."""
    return any(CRITERIA.asks(name, argument) for argument in CRITERIA.arguments if argument.endswith("_final"))


@listed  # it refuses scores or passes them on as they are: no result depends on how
def score(name: str, **offered: Any) -> Tensor:
    """Return the scores (1, ...) of a layer of one replica; raise for a wrong shape, or NaN where there is a weight."""
    try:
        result = CRITERIA.call(name, **offered)
    except LotteryError:
        raise
    except Exception as error:  # whatever a criterion raises concerns the claims that use it, and nothing else
        raise LotteryError(f"criterion {name!r} raised {type(error).__name__}: {error}") from error
    shape = tuple(offered["w_init"].shape)
    if not isinstance(result, Tensor) or tuple(result.shape) != shape:
        got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        wanted = "it must return one score per weight"
        raise LotteryError(f"criterion {name!r} returned {got} for a layer of shape {shape}; {wanted}")
    if torch.isnan(result[offered["mask"]]).any():
        raise LotteryError(f"criterion {name!r} returned NaN for a layer of shape {shape}; scores must be numbers")
    return result


def load(option: str) -> str:
    """Register the criterion that `NAME=FILE.py:FUNCTION` points to and return its name; raise if there is none."""
    name, equals, target = option.partition("=")
    file, colon, attribute = target.rpartition(":")
    if not (equals and colon and name.isidentifier() and file and attribute):
        raise LotteryError(f"--criterion {option}: write it as NAME=FILE.py:FUNCTION, for example mine=mine.py:score")
    if name in CRITERIA:
        raise LotteryError(f"--criterion {option}: there is a criterion {name!r} already; give yours another name")
    path = Path(file).resolve()
    if not path.is_file():
        raise LotteryError(f"--criterion {option}: there is no file {path}")
    before = set(sys.modules)
    function = getattr(_imported(option, name, path), attribute, None)
    if not isinstance(function, types.FunctionType):
        raise LotteryError(f"--criterion {option}: {path} has no function {attribute!r}, written with def")
    CRITERIA.add(name, function)
    beside = [getattr(sys.modules[module], "__file__", None) for module in sorted(set(sys.modules) - before)]
    files = {path} | {Path(file).resolve() for file in beside if file}
    own = [file for file in sorted(files) if path.parent in file.parents and file.suffix == ".py"]
    SOURCES[name] = "\n".join(file.read_text() for file in own)
    return name


def _imported(option: str, name: str, path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"lottery_criterion_{name}", path)
    if spec is None or spec.loader is None:
        raise LotteryError(f"--criterion {option}: {path} is no file of Python; its name should end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))  # a criterion may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise LotteryError(f"--criterion {option}: importing {path} raised {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


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
