"""Parts of arms at work: what each description of a mask, a start or an action does, found by the description's class.

A part names its parents, makes its share of an experiment, and lists its `science`, the functions that its results
depend on: what it looks up in a registry belongs into that list; what its class uses directly is followed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.experiments.experiment import Experiment
from lottery.experiments.population import Population
from lottery.store.store import Record
from lottery.training.config import Config
from lottery.training.parametrisation import Identity, Parametrisation

Weights = list[Tensor]  # one tensor (inputs, outputs) a layer
Masks = list[Tensor]  # one bool tensor (inputs, outputs) a layer, True = kept
Sources = Mapping[Experiment, Record]  # the records of an experiment's parents
Snapshots = Mapping[int, Tensor]  # parameters (P,) after some iterations of a training
NONE: Snapshots = {}


@dataclass(frozen=True)
class Cut:
    """A mask that has come about: which parameters (P,) may move, and layer by layer, or None where all are kept.

    `previous` is what the round before started from; `measured` is what was measured on the way.
    """

    trainable: Tensor
    masks: Masks | None = None
    previous: Weights | None = None
    measured: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """An experiment that can begin: its mask, and the parameters (P,) that it starts from."""

    cut: Cut
    start: Tensor


# A part's bases count in keys as it does: to make one of these an abstract class of Python's, say, would have every
# result of every store trained again.


class Part:
    """What all parts have in common; each is made anew for an experiment."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment

    def check(self) -> None:
        """Raise if the experiment makes no sense, with what is wrong about it."""

    def parents(self) -> tuple[Experiment, ...]:
        """Return the experiments whose records the part needs."""
        return ()

    def science(self) -> list[Callable]:
        """Return the functions, looked up by name, that the part's results depend on."""
        return []

    def carry(self, cut: Cut, start: Tensor, final: Tensor, snapshots: Snapshots = NONE) -> Record:
        """Return what later experiments need of this one, and what can be measured of it only now.

        `start` and `final` are its parameters (P,) before and after training, `snapshots` those on the way.
        """
        return Record({})


class MaskPart(Part):
    """How a mask comes about."""

    def cut(self, sources: Sources) -> Cut:
        """Return the mask."""
        raise NotImplementedError

    @classmethod
    def cut_all(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Cut]:
        """Return the masks of a population's experiments; one that cannot be had fails alone."""
        return population.each(lambda experiment: cls(experiment).cut(sources[experiment]))

    @staticmethod
    def batch_key(mask: object) -> tuple:
        """Return what masks must have in common to come about in one batch."""
        return ()


class StartPart(Part):
    """What the networks start from."""

    def begin(self, cut: Cut, sources: Sources) -> Tensor:
        """Return the parameters (P,) at the start."""
        raise NotImplementedError


class ActionPart(Part):
    """What is done with masked networks."""

    @classmethod
    def parametrisation(cls, population: Population) -> Callable[[Tensor], Parametrisation]:
        """Return how starts (R, P) become what is trained: by default they are themselves."""
        return Identity

    @staticmethod
    def images(config: Config, sizes: Sequence[int]) -> int:
        """Return how many images it takes to measure a network; `sizes` are of training, validation and test data."""
        return 0

    @classmethod
    def run(cls, population: Population, sources: Mapping[Experiment, Sources]) -> dict[Experiment, Record]:
        """Return the records of a population's experiments, without those that failed."""
        raise NotImplementedError

    @staticmethod
    def batch_key(action: object) -> tuple:
        """Return what actions must have in common to be done in one batch."""
        return ()


_PARTS: dict[type, Any] = {}


def implements(description: type) -> Callable[[type], type]:
    """Return a decorator that makes a class the one that does what a description says."""

    def register(part: type) -> type:
        _PARTS[description] = part
        return part

    return register


def part_of(description: object) -> Any:  # a class of MaskPart, StartPart or ActionPart
    """Return the class that does what a description says."""
    try:
        return _PARTS[type(description)]
    except KeyError:
        raise LotteryError(
            f"nothing does what {type(description).__name__} describes; register it with @implements"
        ) from None


def parts(experiment: Experiment) -> Sequence[Part]:
    """Return an experiment's parts: mask, start, action."""
    arm = experiment.arm
    return [part_of(description)(experiment) for description in (arm.mask, arm.start, arm.action)]


def parents(experiment: Experiment) -> tuple[Experiment, ...]:
    """Return the experiments that this one rests on, each once."""
    return tuple(dict.fromkeys(parent for part in parts(experiment) for parent in part.parents()))


def batch_key(experiment: Experiment) -> tuple:
    """Return what experiments must have in common to be computed together: not seed, round and learning rate."""
    arm = experiment.arm
    mask, action = part_of(arm.mask), part_of(arm.action)
    return experiment.setting.without_rate, action, action.batch_key(arm.action), mask.batch_key(arm.mask)
