"""The three scales: on what the suite trains at each of them, as one table."""

from dataclasses import dataclass, field, replace

from lottery.core.errors import LotteryError
from lottery.data.preprocessing import PER_IMAGE, STANDARD
from lottery.data.stand_ins import at_hand
from lottery.data.tasks import SIZES
from lottery.models.architectures import ARCHITECTURES, MINIATURE, QUARTER
from lottery.training.config import FLIP_AND_CROP, Config, Setting
from lottery.training.schedules import COSINE

# The trainings that a claim can need, and that an arm can name.
EARLY_STOP, FULL_LENGTH = "early stop", "full length"  # well past early stop; as long as the paper's
ACCURACY = "accuracy"  # as long as it takes to tell ways of pruning apart by their accuracies
BRIEF = "brief"  # to about 75 % of the validation images
SGD = "sgd"
SUPERMASK, RESCALED, TOP_K = "supermask", "rescaled supermask", "top-k supermask"  # of frozen weights' masks
PLANTED = "planted"  # of networks in which a ticket is planted, as the paper trains them at every scale
PLANTED_SCORES = "planted scores"  # of edge-popup's scores in them
# Frankle & Carbin's appendix G: other learning rates, as long as a claim about early stop needs.
ADAM, PLAIN, MOMENTUM = "adam at {}", "sgd at {}", "momentum at {}"
SWEPT = {
    **{ADAM.format(rate): ("adam", rate, 0.0) for rate in (0.000025, 0.0002, 0.002, 0.0064)},
    **{PLAIN.format(rate): ("sgd", rate, 0.0) for rate in (0.4, 0.8)},
    **{MOMENTUM.format(rate): ("sgd", rate, 0.9) for rate in (0.025, 0.1)},
}
USUAL = {"adam": 1.2e-3, "sgd": 0.8}  # the rate of an optimiser that early stop is asked at elsewhere, without momentum
# Frankle & Carbin do not say how the pixels of CIFAR-10 go into their networks. These train until early stop on other
# pixels than those in [0, 1] that all else has, which the code of Zhou et al. has as well.
PREPROCESSED = {f"{EARLY_STOP}, {how}": how for how in (STANDARD, PER_IMAGE)}
TRAININGS = (
    *(EARLY_STOP, FULL_LENGTH, ACCURACY, BRIEF, SGD, SUPERMASK, RESCALED, TOP_K, PLANTED, PLANTED_SCORES),
    *PREPROCESSED,
    *SWEPT,
)
# What a claim can need; `lottery/data/catalogue.py` and `lottery/data/made_tasks.py` have them.
DATASETS = (
    *("digits", "digits-turned", "digits-upended", "digits-inverted", "digits-scrambled"),
    *("mnist", "mnist-48k", "fashion-mnist", "kmnist", "emnist"),
    *("svhn", "svhn-grey", "cifar10", "cifar10-grey", "cifar100", "cifar100-grey"),
    *SIZES,
)
SUPERMASK_ROUNDS = range(25)  # rungs at which untrained masks are evaluated; Zhou et al.'s figures have these 25 levels


@dataclass(frozen=True)
class Published:
    """How the papers train a convolutional network, and masks over it: learning rates, iterations and epochs."""

    rate: float
    iterations: int
    mask_rate: float
    mask_epochs: int
    rescaled_rate: float
    rescaled_epochs: int


MASK_BATCH, MASK_EPOCH = 250, 180  # the official code's batch of Zhou et al., of 45,000 images
# Rates and iterations are printed in Frankle & Carbin's Fig. 2. What Zhou et al. train masks with is in none of their
# code, and known from memory alone; a later re-implementation of theirs has the same rates without rescaling.
CONVOLUTIONAL = {
    "conv-2": Published(2e-4, 20_000, 100.0, 2_000, 50.0, 400),
    "conv-4": Published(3e-4, 25_000, 50.0, 1_000, 50.0, 300),
    "conv-6": Published(3e-4, 30_000, 20.0, 800, 50.0, 400),
}

# How long the papers train, where a claim is about a network that was trained so long: 55 epochs of 916 batches,
# as in the code of Zhou et al. (Frankle & Carbin print 50K); masks for up to 2,000 epochs of 220 batches, rescaled ones
# for 500; 30 epochs of 1,500 batches (Paganini & Forde, of 48,000 images).
PAPER_ITERATIONS = {
    "lenet-conv": {FULL_LENGTH: 45_000},
    "lenet-300-100": {FULL_LENGTH: 50_380, SGD: 50_380, SUPERMASK: 440_000, RESCALED: 110_000},
    **{
        name: {
            FULL_LENGTH: of.iterations,
            SUPERMASK: MASK_EPOCH * of.mask_epochs,
            RESCALED: MASK_EPOCH * of.rescaled_epochs,
        }
        for name, of in CONVOLUTIONAL.items()
    },
}


@dataclass(frozen=True)
class Scale:
    """A scale's settings by paper's network and by the training that a claim needs, and how to ask for more."""

    name: str
    settings: dict[str, dict[str, Setting]]
    more: str
    tasks: dict[str, dict[str, str]] = field(default_factory=dict)  # by network and the paper's data set: this scale's

    def setting(self, network: str, training: str) -> Setting | None:
        """Return what stands in for the paper's network at this scale, or None where nothing does."""
        return self.settings.get(network, {}).get(training)

    def task(self, network: str, dataset: str) -> str:
        """Return what stands in for a data set that a paper's network is trained on, among others; "": nothing does."""
        return self.tasks.get(network, {}).get(dataset, "")

    def on_data_at_hand(self) -> "Scale":
        """Return the scale with what stands in for data sets that are not in the data folder."""
        return replace(
            self,
            settings={
                network: {name: replace(of, dataset=at_hand(of.dataset)) for name, of in trainings.items()}
                for network, trainings in self.settings.items()
            },
            tasks={
                network: {name: at_hand(dataset) for name, dataset in datasets.items()}
                for network, datasets in self.tasks.items()
            },
        )


def _lenet(iterations: int, interval: int, snapshots: tuple[int, ...] = ()) -> Setting:
    """LeNet-300-100 on MNIST as both papers train it: Adam at 1.2e-3, batches of 60, a constant learning rate."""
    config = Config("adam", 1.2e-3, 60, iterations, interval, snapshots=snapshots)
    return Setting("lenet-300-100", "mnist", config)


def _swept(setting: Setting, longest: float = 1, **factors: float) -> dict[str, Setting]:
    """Return a setting at every learning rate of the sweep, times the factor of its optimiser.

    At slow rates it trains longer in proportion, but no more than `longest` times as long, and is looked at as often.
    """
    settings = {}
    for name, (by, rate, momentum) in SWEPT.items():
        slower = USUAL[by] * (1 - momentum) / rate
        times = max(1, min(longest, slower))
        iterations, interval = (round(times * count) for count in (setting.config.iterations, setting.config.interval))
        config = replace(setting.config, optimiser=by, learning_rate=rate * factors[by], momentum=momentum)
        settings[name] = replace(setting, config=replace(config, iterations=iterations, interval=interval))
    return settings


def _variants(setting: Setting) -> dict[str, dict[str, Setting]]:
    """Return a setting with every variant of its network in place of LeNet-300-100's of the same name."""
    return {
        "lenet-300-100" + one.removeprefix(setting.network): {EARLY_STOP: replace(setting, network=one)}
        for one in ARCHITECTURES
        if one.startswith(f"{setting.network}-")
    }


def _lenet_supermask(rate: float, epochs: int) -> Setting:
    """Masks as the official code trains them: momentum 0.9, batches of 250, huge rates, as a logit's slope is small."""
    return Setting("lenet-300-100", "mnist", Config("sgd", rate, 250, 220 * epochs, 2_200, momentum=0.9))


def _lenet_trainings(
    early_stop: Setting, full_length: Setting, epochs: int, rescaled_epochs: int
) -> dict[str, Setting]:
    length, interval = early_stop.config.iterations, early_stop.config.interval
    return {
        EARLY_STOP: early_stop,
        FULL_LENGTH: full_length,
        BRIEF: _lenet(15, 5),
        SGD: Setting(
            "lenet-300-100", "mnist", Config("sgd", 0.8, 60, length, interval)
        ),  # Frankle & Carbin, appendix F
        SUPERMASK: _lenet_supermask(100.0, epochs),
        RESCALED: _lenet_supermask(20.0, rescaled_epochs),
        TOP_K: Setting(
            "lenet-300-100", "mnist", Config("sgd", 0.1, 128, 429 * epochs, 4_290, momentum=0.9, weight_decay=1e-4)
        ),
        **_swept(early_stop, adam=1, sgd=1),
    }


def _preprocessed(setting: Setting) -> dict[str, Setting]:
    return {name: replace(setting, preprocessing=how) for name, how in PREPROCESSED.items()}


def _published(name: str) -> dict[str, Setting]:
    """A convolutional network as published, on CIFAR-10: the same training for whatever is asked."""
    of, lengths = CONVOLUTIONAL[name], PAPER_ITERATIONS[name]
    usual = Setting(name, "cifar10", Config("adam", of.rate, 60, of.iterations, 100))

    def masks(rate: float, iterations: int) -> Setting:
        return Setting(name, "cifar10", Config("sgd", rate, MASK_BATCH, iterations, 1_800, momentum=0.9))

    return {
        EARLY_STOP: usual,
        ACCURACY: usual,
        FULL_LENGTH: usual,
        **_preprocessed(usual),
        SUPERMASK: masks(of.mask_rate, lengths[SUPERMASK]),
        RESCALED: masks(of.rescaled_rate, lengths[RESCALED]),
    }


def _quarter(name: str) -> dict[str, Setting]:
    """A convolutional network of a quarter of the width, for as many iterations as two cores afford.

    Masks learn at the published rates. A weight and its gradient are both twice as large here as in the whole network,
    so a logit moves four times as fast, but there are a sixteenth as many of them: what a step changes in the outputs,
    the sum of squared gradients times the rate, is the same. Their batch is that of the weights, so that the images
    which they see are spent on more steps.
    """
    of, network = CONVOLUTIONAL[name], name + QUARTER

    def weights(iterations: int, interval: int) -> Setting:
        return Setting(network, "cifar10", Config("adam", of.rate, 60, iterations, interval))

    def masks(rate: float) -> Setting:
        return Setting(network, "cifar10", Config("sgd", rate, 60, 6_000, 1_000, momentum=0.9))

    early_stop = weights(6_000, 200)
    return {
        EARLY_STOP: early_stop,
        ACCURACY: weights(3_000, 250),
        **_preprocessed(early_stop),
        SUPERMASK: masks(of.mask_rate),
        RESCALED: masks(of.rescaled_rate),
    }


def _digits(config: Config) -> Setting:
    return Setting("lenet-96-48", "digits", config)


# Chosen so that the dense network stops early before the middle of the run (tests/test_scales.py), and learns by SGD.
_DIGITS = _digits(Config("adam", 1e-2, 20, 600, 25))
_DIGITS_TRAININGS = {
    EARLY_STOP: _DIGITS,
    FULL_LENGTH: _DIGITS,
    BRIEF: _digits(Config("adam", 1e-2, 20, 14, 2)),
    SGD: _digits(Config("sgd", 0.4, 20, 600, 25)),
    SUPERMASK: _digits(Config("sgd", 20.0, 50, 600, 100, momentum=0.9)),
    RESCALED: _digits(Config("sgd", 4.0, 50, 600, 100, momentum=0.9)),  # a fifth, as on MNIST
    TOP_K: _digits(Config("sgd", 0.1, 50, 600, 100, momentum=0.9, weight_decay=1e-4)),
    # Each optimiser's rates as far apart as on MNIST; a run of a few early stops is too short for the slow ones.
    **_swept(_DIGITS, longest=5, adam=1e-2 / 1.2e-3, sgd=0.4 / 0.8),
}


def _small(config: Config) -> Setting:
    return Setting(f"conv-2{MINIATURE}", "digits", config)


# Conv-2 in miniature, which also stops early before the middle of its run; masks learn at the published rates.
_SMALL = _small(Config("adam", 7.5e-3, 20, 800, 25))
_SMALL_TRAININGS = {
    EARLY_STOP: _SMALL,
    ACCURACY: _SMALL,
    FULL_LENGTH: _SMALL,
    SUPERMASK: _small(Config("sgd", CONVOLUTIONAL["conv-2"].mask_rate, 50, 600, 100, momentum=0.9)),
    RESCALED: _small(Config("sgd", CONVOLUTIONAL["conv-2"].rescaled_rate, 50, 600, 100, momentum=0.9)),
}


def _tickets(
    network: str,
    dataset: str,
    rate: float,
    batch: int,
    iterations: int,
    augmentation: str = "",
    lengths: tuple[tuple[str, int], ...] = (),
) -> Setting:
    """A network of Paganini & Forde 2020 (section 3): SGD without momentum, the training images' mean and deviation.

    `lengths` are the iterations on data sets that are trained on for longer or shorter.
    """
    looks = 30 if iterations > 10_000 else 2  # accuracy at the end is asked for, and a look costs a pass over images
    config = Config("sgd", rate, batch, iterations, iterations // looks, augmentation=augmentation)
    return Setting(network, dataset, config, STANDARD, lengths)


TICKETS = "lenet-conv"  # the network of Paganini & Forde whose tickets are compared over data sets
PAPER_TASKS = (
    *("mnist", "fashion-mnist", "kmnist", "cifar10-grey", "svhn-grey"),  # whose masks a consensus is of
    *("emnist", "cifar100-grey"),  # on which it is tried
)
# 30 epochs in batches of 32, of four fifths of the training images: 48,000 of MNIST and what has its form.
LENGTHS = (
    *(("", 45_000), ("cifar10-grey", 37_500), ("cifar10-jpeg-grey", 37_500), ("cifar100-grey", 37_500)),
    *(("svhn-grey", 54_960), ("emnist", 84_600)),
)
DIGIT_TASKS = ("digits", "digits-turned", "digits-upended", "digits-inverted", "digits-scrambled")

# Fischer & Burkholz 2021, appendix B.1: ten epochs of 281 batches. Made data, small networks: no scale cuts them.
EPOCH, EPOCHS = 281, 10


def _planted(name: str) -> dict[str, Setting]:
    task = name.split("-")[1]
    popped = Config("sgd", 0.1, 32, EPOCHS * EPOCH, EPOCH, momentum=0.9, weight_decay=5e-4, schedule=COSINE)
    return {
        PLANTED: Setting(name, task, Config("adam", 1e-3, 32, EPOCHS * EPOCH, EPOCH)),
        PLANTED_SCORES: Setting(name, task, popped),
    }


_PLANTED = {name: _planted(name) for name in ARCHITECTURES if name.startswith("planted-")}
SNAPSHOTS = (4_000, 10_000, 20_000, 30_000, 40_000)  # iterations after which masks of shorter trainings are taken
_PAPER = _lenet(PAPER_ITERATIONS["lenet-300-100"][FULL_LENGTH], 100, SNAPSHOTS)
_FULL_LENGTH = _lenet(PAPER_ITERATIONS["lenet-300-100"][FULL_LENGTH], 1_000, SNAPSHOTS)

_REDUCED = _lenet(12_000, 200)

SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            "tiny",
            {
                "lenet-300-100": _DIGITS_TRAININGS,
                "conv-2": _SMALL_TRAININGS,
                TICKETS: {FULL_LENGTH: _tickets("lenet-conv-miniature", "digits", 0.1, 20, 400)},
                **_variants(_DIGITS),
                **_PLANTED,
            },
            "analogues on 8x8 digits, and a few planted tickets in full; ask for real answers with --scale reduced "
            "(MNIST, planted tickets, and narrow networks on CIFAR-10; hours on two cores)",
            {TICKETS: dict(zip(PAPER_TASKS, DIGIT_TASKS))},
        ),
        Scale(
            "reduced",
            {
                "lenet-300-100": _lenet_trainings(_REDUCED, _FULL_LENGTH, epochs=100, rescaled_epochs=100),
                **{name: _quarter(name) for name in CONVOLUTIONAL},
                TICKETS: {FULL_LENGTH: _tickets("lenet-conv", "mnist", 0.01, 32, 2_000)},
                **_variants(_REDUCED),
                **_PLANTED,
            },
            "ask for the published training length everywhere with --scale paper (a GPU is advised)",
            {TICKETS: {name: name for name in PAPER_TASKS[:4]}},
        ),
        Scale(
            "paper",
            {
                "lenet-300-100": _lenet_trainings(_PAPER, _PAPER, epochs=2_000, rescaled_epochs=500),
                **{name: _published(name) for name in CONVOLUTIONAL},
                TICKETS: {FULL_LENGTH: _tickets("lenet-conv", "mnist-48k", 0.01, 32, 45_000, FLIP_AND_CROP, LENGTHS)},
                **_variants(_PAPER),
                **_PLANTED,
            },
            "this is all there is to ask",
            {TICKETS: {name: name for name in PAPER_TASKS} | {"mnist": "mnist-48k"}},
        ),
    )
}


def scale(name: str) -> Scale:
    """Return the scale of this name, or raise with the names there are."""
    try:
        return SCALES[name]
    except KeyError:
        raise LotteryError(f"there is no scale {name!r}; the scales are {', '.join(SCALES)}") from None
