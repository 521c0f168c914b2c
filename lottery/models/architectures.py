"""The papers' networks, described layer by layer: shapes, weight counts and pruning ladders. No arithmetic on weights here."""

import functools
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from lottery.core.errors import LotteryError
from lottery.data.tasks import SIZES

HIDDEN, OUTPUT, CONVOLUTION, SHORTCUT = "hidden", "output", "convolution", "shortcut"
CROSS_ENTROPY, SQUARED_ERROR = "cross-entropy", "squared error"  # losses; `lottery/models/losses.py` has them
# Inputs, outputs and loss of the tasks whose tickets are planted (Fischer & Burkholz 2021, appendix B.1).
TASKS = {name: (*sizes, CROSS_ENTROPY if name == "circle" else SQUARED_ERROR) for name, sizes in SIZES.items()}


@dataclass(frozen=True)
class Layer:
    """One layer with weights. `shape` is (inputs, outputs), or (inputs, outputs, height, width) for a convolution."""

    name: str
    shape: tuple[int, ...]
    role: str

    @property
    def weights(self) -> int:
        """Number of weights, biases not counted."""
        return prod(self.shape)


@dataclass(frozen=True)
class Architecture:
    """A network as its paper describes it.

    `pruned_per_round` gives for each role the share of the surviving weights that one round removes; a role that is
    missing is never pruned. With `scope` "layer" every layer is ranked by itself, with "global" all prunable layers together.
    """

    name: str
    layers: tuple[Layer, ...]
    pruned_per_round: tuple[tuple[str, Fraction], ...]
    scope: str = "layer"
    loss: str = CROSS_ENTROPY

    @property
    def weights(self) -> int:
        """Number of weights, biases and normalisation parameters not counted."""
        return sum(layer.weights for layer in self.layers)

    def weights_of(self, *roles: str) -> int:
        """Number of weights in the layers of these roles."""
        return sum(layer.weights for layer in self.layers if layer.role in roles)

    def rate(self, layer: Layer) -> Fraction:
        """Share of a layer's surviving weights that one round removes."""
        return dict(self.pruned_per_round).get(layer.role, Fraction(0))

    @functools.cache
    def kept(self, round: int) -> tuple[int, ...]:
        """Number of weights that each layer keeps after `round` rounds of layer-wise pruning.

        Each round removes floor(rate * survivors), as the code of Zhou et al. does; fractions keep the floor exact.
        """
        counts = [layer.weights for layer in self.layers]
        for _ in range(round):
            counts = [n - int(n * self.rate(layer)) for n, layer in zip(counts, self.layers)]
        return tuple(counts)

    @functools.cache
    def weights_remaining(self, round: int) -> float:
        """Per cent of all weights that remain after `round` rounds, P_m of Frankle & Carbin, from the ideal shares."""
        left = sum(layer.weights * (1 - self.rate(layer)) ** round for layer in self.layers)
        return float(100 * left / self.weights)


def _dense(sizes: tuple[int, ...], first: int = 1) -> tuple[Layer, ...]:
    last = len(sizes) - 2
    return tuple(
        Layer(f"dense{first + i}", (inputs, outputs), OUTPUT if i == last else HIDDEN)
        for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]))
    )


def _convolutions(channels: tuple[int, ...]) -> tuple[Layer, ...]:
    return tuple(
        Layer(f"convolution{i + 1}", (inputs, outputs, 3, 3), CONVOLUTION)
        for i, (inputs, outputs) in enumerate(zip(channels, channels[1:]))
    )


def _rates(**per_cent: int) -> tuple[tuple[str, Fraction], ...]:
    return tuple((role, Fraction(share, 100)) for role, share in per_cent.items())


def _perceptron(name: str, *sizes: int) -> Architecture:
    return Architecture(name, _dense(sizes), _rates(hidden=20, output=10))


def _small_convolutional(name: str, channels: tuple[int, ...], flattened: int, rate: int) -> Architecture:
    layers = _convolutions((3, *channels)) + _dense((flattened, 256, 256, 10))
    return Architecture(name, layers, _rates(convolution=rate, hidden=20, output=10))


def _resnet() -> Architecture:
    """The CIFAR ResNet-20 that Frankle & Carbin call Resnet-18; its shortcuts and output layer are not pruned."""
    channels = (3,) + (16,) * 7 + (32,) * 6 + (64,) * 6
    shortcuts = (Layer("shortcut1", (16, 32, 1, 1), SHORTCUT), Layer("shortcut2", (32, 64, 1, 1), SHORTCUT))
    layers = _convolutions(channels) + shortcuts + (Layer("dense1", (64, 10), OUTPUT),)
    return Architecture("resnet-18", layers, _rates(convolution=20), scope="global")


def _vgg() -> Architecture:
    channels = (3,) + (64,) * 2 + (128,) * 2 + (256,) * 4 + (512,) * 8
    return Architecture(
        "vgg-19",
        _convolutions(channels) + (Layer("dense1", (512, 10), OUTPUT),),
        _rates(convolution=20),
        scope="global",
    )


def _planted(task: str, depth: int, width: int = 100) -> Architecture:
    """The network that a task's target is planted in. Its depth counts the input layer, as the paper's; it is not pruned by rounds but to shares."""
    inputs, outputs, loss = TASKS[task]
    name = f"planted-{task}-{depth}" + ("" if width == 100 else f"-{width}")
    return Architecture(name, _dense((inputs, *(width,) * (depth - 2), outputs)), (), scope="global", loss=loss)


ARCHITECTURES = {
    network.name: network
    for network in (
        _perceptron("lenet-300-100", 784, 300, 100, 10),
        # LeNet-300-100 in miniature, for 8x8 digits; widths that are multiples of 16 run a tenth faster than 100 and 50
        _perceptron("lenet-96-48", 64, 96, 48, 10),
        _small_convolutional("conv-2", (64, 64), 16 * 16 * 64, 10),
        _small_convolutional("conv-4", (64, 64, 128, 128), 8 * 8 * 128, 10),
        _small_convolutional("conv-6", (64, 64, 128, 128, 256, 256), 4 * 4 * 256, 15),
        _resnet(),
        _vgg(),
        *(_planted(task, depth) for task in TASKS for depth in (3, 4, 5, 6, 10)),
        _planted("circle", 6, 1000),
    )
}


def network(name: str) -> Architecture:
    """Return the network of this name, or raise with the names there are."""
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise LotteryError(f"there is no network {name!r}; the networks are {', '.join(ARCHITECTURES)}") from None
