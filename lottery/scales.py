"""The three scales: on what the suite trains at each of them, as one table."""

from dataclasses import dataclass

from lottery.errors import LotteryError
from lottery.recipes import Recipe, Setting

EARLY_STOP, FULL_LENGTH, SUPERMASK = "early stop", "full length", "supermask"  # which training a claim needs
TRAININGS = (EARLY_STOP, FULL_LENGTH, SUPERMASK)
DATASETS = ("digits", "mnist")  # what a claim can need; `lottery/datasets.py` reads them
SUPERMASK_ROUNDS = range(25)  # rungs at which untrained masks are evaluated; Zhou et al.'s figures have these 25 levels

PAPER_ITERATIONS = {"lenet-300-100": 50_380}  # 55 epochs of 916 batches; Frankle & Carbin print 50K


@dataclass(frozen=True)
class Scale:
    """A scale's settings by paper's network and by the training that a claim needs, and how to ask for more."""

    name: str
    settings: dict[str, dict[str, Setting]]
    more: str

    def setting(self, network: str, training: str) -> Setting | None:
        """Return what stands in for the paper's network at this scale, or None where nothing does."""
        return self.settings.get(network, {}).get(training)


def _lenet(iterations: int, interval: int) -> Setting:
    """LeNet-300-100 on MNIST as both papers train it: Adam at 1.2e-3, batches of 60, a constant learning rate."""
    return Setting("lenet-300-100", "mnist", Recipe("adam", 1.2e-3, 60, iterations, interval))


def _lenet_supermask(epochs: int) -> Setting:
    """Masks as the official code trains them: SGD at 100, momentum 0.9, batches of 250; its command asks for 2,000 epochs."""
    return Setting("lenet-300-100", "mnist", Recipe("sgd", 100.0, 250, 220 * epochs, 2_200, momentum=0.9))


# Chosen so that the dense network's early stop comes before the middle of the run (`tests/test_scales.py`).
_DIGITS = Setting("lenet-96-48", "digits", Recipe("adam", 1e-2, 20, 600, 25))
_DIGITS_SUPERMASK = Setting("lenet-96-48", "digits", Recipe("sgd", 20.0, 50, 600, 100, momentum=0.9))
_PAPER = _lenet(PAPER_ITERATIONS["lenet-300-100"], 100)

SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            "tiny",
            {"lenet-300-100": {EARLY_STOP: _DIGITS, FULL_LENGTH: _DIGITS, SUPERMASK: _DIGITS_SUPERMASK}},
            "analogues on 8x8 digits; ask for real answers with --scale reduced (MNIST, 25 minutes on two cores)",
        ),
        Scale(
            "reduced",
            {
                "lenet-300-100": {
                    EARLY_STOP: _lenet(12_000, 200),
                    FULL_LENGTH: _lenet(PAPER_ITERATIONS["lenet-300-100"], 1_000),
                    SUPERMASK: _lenet_supermask(epochs=100),
                }
            },
            "ask for the published training length everywhere with --scale paper (a GPU is advised)",
        ),
        Scale(
            "paper",
            {"lenet-300-100": {EARLY_STOP: _PAPER, FULL_LENGTH: _PAPER, SUPERMASK: _lenet_supermask(epochs=2_000)}},
            "this is all there is to ask",
        ),
    )
}


def scale(name: str) -> Scale:
    """Return the scale of this name, or raise with the names there are."""
    try:
        return SCALES[name]
    except KeyError:
        raise LotteryError(f"there is no scale {name!r}; the scales are {', '.join(SCALES)}") from None
