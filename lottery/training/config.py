"""What a network is trained on and how: settings without behaviour."""

from dataclasses import dataclass, replace
from functools import cached_property

from lottery.models.architectures import Architecture, network
from lottery.training.schedules import CONSTANT, Schedule

OPTIMISERS = ("adam", "sgd")
DATA_ORDERS = ("fresh", "repeated")


@dataclass(frozen=True)
class Config:
    """How a network is trained.

    The validation loss is taken every `interval` iterations and at the end. `data_order` is "fresh" when every round of
    a chain shuffles anew, "repeated" when all rounds of a seed see the same order. Adam's further constants are the
    usual ones: 0.9, 0.999 and 1e-8. `snapshots` are iterations after which the dense network's weights are kept, for
    masks of shorter trainings.
    """

    optimiser: str
    learning_rate: float
    batch_size: int
    iterations: int
    interval: int
    momentum: float = 0.0
    weight_decay: float = 0.0
    data_order: str = "fresh"
    schedule: Schedule = CONSTANT
    snapshots: tuple[int, ...] = ()

    def __post_init__(self):
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser {self.optimiser!r} is not one of {', '.join(OPTIMISERS)}")
        if self.data_order not in DATA_ORDERS:
            raise ValueError(f"data order {self.data_order!r} is not one of {', '.join(DATA_ORDERS)}")
        for iteration in self.snapshots:
            if not self.looks(iteration) or not 0 < iteration <= self.iterations:
                raise ValueError(f"a snapshot after {iteration} iterations is not at a look at the validation loss")

    def looks(self, iteration: int) -> bool:
        """Return whether the validation loss is taken at this iteration: at every interval and at the end."""
        return iteration % self.interval == 0 or iteration == self.iterations


@dataclass(frozen=True)
class Setting:
    """A network, a data set and a config: what all arms of a comparison share."""

    network: str
    dataset: str
    config: Config

    @cached_property
    def architecture(self) -> Architecture:
        """The network's description."""
        return network(self.network)

    @cached_property
    def without_rate(self) -> "Setting":
        """The setting at no learning rate, which those have in common whose rates alone differ."""
        return replace(self, config=replace(self.config, learning_rate=0.0))
