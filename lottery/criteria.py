"""Mask criteria: which weights a round keeps. To add one, write a decorated function here.

A criterion returns scores, the larger the rather kept. It names what it needs as arguments:

    w_init     (R, ...) weights of one layer at the start of the round
    w_final    (R, ...) the same weights at the end of its training
    mask       (R, ...) True where the weight is not pruned yet
    generator  a random stream of this replica, round and layer

and returns a tensor of the shape of its arguments. R is the replica axis; the suite passes one replica at a time, so a
criterion cannot mix seeds. A criterion that does not ask for `w_final` prunes before training: its masks need no dense run.
Ranking, exact counts, already pruned weights and ties are not a criterion's business: `lottery.masks` does them.
Names and formulas: Zhou et al. 2019, section 2, Fig. 2.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from lottery.errors import LotteryError

ARGUMENTS = ("w_init", "w_final", "mask", "generator")
CRITERIA: dict[str, Callable[..., Tensor]] = {}


def arguments(function: Callable, name: str) -> tuple[str, ...]:
    """Return the names of the arguments that a criterion asks for; raise if it asks for something that is not offered."""
    asked = tuple(inspect.signature(function).parameters)
    unknown = [argument for argument in asked if argument not in ARGUMENTS]
    if unknown:
        raise LotteryError(
            f"criterion {name!r} asks for {', '.join(unknown)}; a criterion can ask for {', '.join(ARGUMENTS)}, by these names"
        )
    return asked


def criterion(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Register a criterion under the name of its function."""
    arguments(function, function.__name__)
    CRITERIA[function.__name__] = function
    return function


def find(name: str) -> Callable[..., Tensor]:
    """Return the criterion of this name, or raise with the names there are."""
    try:
        return CRITERIA[name]
    except KeyError:
        raise LotteryError(f"there is no criterion {name!r}; the criteria are {', '.join(sorted(CRITERIA))}") from None


def needs_training(name: str) -> bool:
    """Return whether the criterion looks at trained weights."""
    return "w_final" in arguments(find(name), name)


def score(name: str, **offered: object) -> Tensor:
    """Return the scores (1, ...) of one layer of one replica, checked: right shape, no NaN where a weight is left to prune."""
    function = find(name)
    try:
        result = function(**{argument: offered[argument] for argument in arguments(function, name)})
    except LotteryError:
        raise
    except Exception as error:  # whatever a criterion raises concerns the claims that use it, and nothing else
        raise LotteryError(f"criterion {name!r} raised {type(error).__name__}: {error}") from error
    shape = tuple(offered["w_init"].shape)
    if not isinstance(result, Tensor) or tuple(result.shape) != shape:
        got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise LotteryError(f"criterion {name!r} returned {got} for a layer of shape {shape}; it must return one score per weight")
    if torch.isnan(result[offered["mask"]]).any():
        raise LotteryError(f"criterion {name!r} returned NaN for a layer of shape {shape}; scores must be numbers")
    return result


def load(option: str) -> str:
    """Register the criterion that `NAME=FILE.py:FUNCTION` points to, and return its name; raise if there is no such thing."""
    name, equals, target = option.partition("=")
    file, colon, attribute = target.rpartition(":")
    if not (equals and colon and name.isidentifier() and file and attribute):
        raise LotteryError(f"--criterion {option}: write it as NAME=FILE.py:FUNCTION, for example mine=mine.py:score")
    if name in CRITERIA:
        raise LotteryError(f"--criterion {option}: {name!r} is one of the suite's own criteria; give yours another name")
    path = Path(file).resolve()
    if not path.is_file():
        raise LotteryError(f"--criterion {option}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"lottery_criterion_{name}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LotteryError(f"--criterion {option}: importing {path} raised {type(error).__name__}: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise LotteryError(f"--criterion {option}: {path} has no function {attribute!r}")
    sys.modules[spec.name] = module  # where the fingerprint looks up the helpers that the function uses
    arguments(function, name)
    CRITERIA[name] = function
    return name


@criterion
def large_final(w_final):
    """|w_f|: keep what is large after training. The criterion of Frankle & Carbin 2019."""
    return w_final.abs()


@criterion
def small_final(w_final):
    """-|w_f|: keep what is small after training."""
    return -w_final.abs()


@criterion
def large_init(w_init):
    """|w_i|: keep what is large before training."""
    return w_init.abs()


@criterion
def large_final_same_sign(w_init, w_final):
    """max(0, w_i w_f / |w_i|): |w_f| where the sign is that of the start, else 0, so that those who changed sign are tied."""
    return torch.where(w_init.sign() == w_final.sign(), w_final.abs(), 0.0)


@criterion
def random(w_init):
    """0: all weights are tied, and ties are broken at random."""
    return torch.zeros_like(w_init)
