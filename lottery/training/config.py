"""What a network is trained on and how: settings without behaviour."""

from dataclasses import dataclass, replace
from functools import cached_property

from lottery.core.later import later
from lottery.data.preprocessing import PREPROCESSINGS, UNIT
from lottery.data.tasks import CLASSES, SIZES
from lottery.models.architectures import Architecture, network, with_classes
from lottery.training.schedules import CONSTANT, Schedule

OPTIMISERS = ("adam", "sgd")
DATA_ORDERS = ("fresh", "repeated")
FLIP_AND_CROP = "flip and crop"


@dataclass(frozen=True)
class Variation:
    """By how many pixels images are padded at each side before they are cropped, and whether they are mirrored."""

    padding: int
    mirrored: bool


# Papers that mirror and crop images may leave open by how much, and whether digits and letters are mirrored, too.
AUGMENTATIONS = {
    "": Variation(0, False),
    FLIP_AND_CROP: Variation(4, True),  # of 32 by 32 pixels, as usual for CIFAR
    "flip and crop by 2": Variation(2, True),
    "flip and crop by 1": Variation(1, True),
    "crop by 2": Variation(2, False),
    "crop by 1": Variation(1, False),
}


@dataclass(frozen=True)
class Config:
    """How a network is trained.

    The validation loss is taken every `interval` iterations and at the end. `data_order` is "fresh" when every round of
    a chain shuffles anew, "repeated" when all rounds of a seed see the same order. Adam's further constants are the
    usual ones: 0.9, 0.999 and 1e-8. `snapshots` are iterations after which the dense network's weights are kept, for
    masks of shorter trainings. With `augmentation` training images are varied as `lottery/training/augmentation.py`
    says.
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
    augmentation: str = later("")

    def __post_init__(self):
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser {self.optimiser!r} is not one of {', '.join(OPTIMISERS)}")
        if self.data_order not in DATA_ORDERS:
            raise ValueError(f"data order {self.data_order!r} is not one of {', '.join(DATA_ORDERS)}")
        if self.augmentation not in AUGMENTATIONS:
            raise ValueError(f"augmentation {self.augmentation!r} is not one of {', '.join(map(repr, AUGMENTATIONS))}")
        for iteration in self.snapshots:
            if not self.looks(iteration) or not 0 < iteration <= self.iterations:
                raise ValueError(f"a snapshot after {iteration} iterations is not at a look at the validation loss")

    def looks(self, iteration: int) -> bool:
        """Return whether the validation loss is taken at this iteration: at every interval and at the end."""
        return iteration % self.interval == 0 or iteration == self.iterations


@dataclass(frozen=True)
class Setting:
    """A network, a data set and a config: what all arms of a comparison share.

    `preprocessing` is what is done to the images before any network sees them, a name in
    `lottery/data/preprocessing.py`. The papers leave it open, and it can decide a claim. `lengths` are the iterations
    that as many epochs take on data sets of different size, by name; "": on all others.
    """

    network: str
    dataset: str
    config: Config
    preprocessing: str = later(UNIT)
    lengths: tuple[tuple[str, int], ...] = later(())

    def __post_init__(self):
        if self.preprocessing not in PREPROCESSINGS:
            raise ValueError(f"preprocessing {self.preprocessing!r} is not one of {', '.join(PREPROCESSINGS)}")
        if self.dataset in SIZES and self.preprocessing != UNIT:
            raise ValueError(f"{self.dataset} has no images; there is nothing to preprocess")

    @property
    def data(self) -> str:
        """The data set in tables and files, with the preprocessing where it is not the usual one."""
        return self.dataset if self.preprocessing == UNIT else f"{self.dataset}, {self.preprocessing}"

    @cached_property
    def architecture(self) -> Architecture:
        """The network's description."""
        return network(self.network)

    def on(self, dataset: str) -> "Setting":
        """Return the setting on another data set: as many outputs as that has classes, as long as it is trained on."""
        config, network = self.config, with_classes(self.network, CLASSES.get(dataset, 10))
        lengths = dict(self.lengths)
        if iterations := lengths.get(dataset, lengths.get("")):
            looks = config.iterations // config.interval
            config = replace(config, iterations=iterations, interval=iterations // looks)
        return replace(self, dataset=dataset, network=network, config=config)

    @cached_property
    def without_rate(self) -> "Setting":
        """The setting at no learning rate, which those have in common whose rates alone differ."""
        return replace(self, config=replace(self.config, learning_rate=0.0))
