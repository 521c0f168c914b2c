"""The papers' networks: each a function that returns a plain module, and what its paper says of pruning it.

torch is imported when a module is built, so that networks can be named without it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from lottery.core.errors import LotteryError
from lottery.data.tasks import SIZES
from lottery.models.layers import CONVOLUTION, HIDDEN, OUTPUT, OUTPUTS, SHORTCUT, Layer, layers_of
from lottery.models.task import CLASSIFICATION, REGRESSION, Task

if TYPE_CHECKING:
    from torch import nn

    from lottery.models.layout import Layout

GLOROT, NOT_TRUNCATED = "truncated_glorot_normal", "glorot_normal"
UNIFORM, HE, VGG, RESNET = "torch_uniform", "he_normal", "torchvision_vgg", "torchvision_resnet"
PRUNED, NORMAL, NARROW = "-pruned-by-", "-normal-", "-narrow"  # variants of a network in their names
QUARTER, MINIATURE = "-quarter", "-miniature"
COLOUR, DIGIT, SMALL_DIGIT = (3, 32, 32), (1, 28, 28), (1, 8, 8)  # channels, height, width: CIFAR, MNIST, scikit-learn
PRINTED = "printed"  # ends the name of a network in which a ticket is planted at the scale that its paper prints


@dataclass(frozen=True)
class Architecture:
    """A network as its paper describes it. Its layers and counts are read off the module that `build` returns.

    `pruned_per_round` gives for each role the share of the surviving weights that one round removes; a role that is
    missing is never pruned. With `scope` "layer" every layer is ranked by itself, with "global" all prunable layers
    together. `initialiser` is a name in `lottery/models/initialisers.py`, `image` the shape of an input that is not a
    vector, and `roles` gives layers under a name of the module another role than their kind's. `drawn` returns the
    module with all of its parameters drawn from a seed, where those that belong to no layer start so.
    """

    name: str
    build: Callable[[], nn.Module]
    pruned_per_round: tuple[tuple[str, Fraction], ...] = ()
    scope: str = "layer"
    task: Task = CLASSIFICATION
    initialiser: str = GLOROT
    image: tuple[int, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    drawn: Callable[[int], nn.Module] | None = None

    @functools.cached_property
    def module(self) -> nn.Module:
        """The module on torch's meta device: shapes without values, as in evaluation."""
        import torch

        with torch.device("meta"):
            return self.build().eval()

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with weights, in the module's order."""
        return layers_of(self.module, dict(self.roles))

    @functools.cached_property
    def layout(self) -> Layout:
        """Where a replica's parameters and buffers lie in memory."""
        from lottery.models.layout import Layout

        return Layout(self)

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return self.task.loss

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.image or (self.layers[0].fan_in,)

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
        if self.scope == "global":
            raise LotteryError(
                f"{self.name} is ranked as a whole: how many weights a layer keeps is not known beforehand"
            )
        counts = [layer.weights for layer in self.layers]
        for _ in range(round):
            counts = [n - int(n * self.rate(layer)) for n, layer in zip(counts, self.layers)]
        return tuple(counts)

    @functools.cache
    def kept_in_all(self, round: int) -> int:
        """Number of weights that all prunable layers together keep after `round` rounds that rank them as one."""
        rates = {rate for _, rate in self.pruned_per_round}
        if len(rates) != 1:
            raise LotteryError(
                f"{self.name} has {len(rates)} rates of pruning; layers are ranked as one at a single rate"
            )
        count = self.weights_of(*dict(self.pruned_per_round))
        for _ in range(round):
            count -= int(count * min(rates))
        return count

    @functools.cache
    def kept_of_units(self, round: int, side: str) -> tuple[int, ...]:
        """Number of weights that each layer keeps after `round` rounds that prune whole inputs, or outputs, of it.

        Counts of units are rounded to nearest, as in torch.nn.utils.prune: of two units none goes, nor of one. The
        output layer keeps all of its outputs, which are classes.
        """
        counts = []
        for layer in self.layers:
            units = layer.shape[layer.axis(side)]
            classes = side == OUTPUTS and layer.role == OUTPUT
            counts.append(layer.weights // units * (units if classes else left(units, self.rate(layer), round)))
        return tuple(counts)

    @functools.cache
    def weights_remaining(self, round: int) -> float:
        """Return the per cent of weights that remain after `round` rounds: Frankle & Carbin's P_m, of ideal shares."""
        left = sum(layer.weights * (1 - self.rate(layer)) ** round for layer in self.layers)
        return float(100 * left / self.weights)


def removed(count: int, rate: Fraction) -> int:
    """Return how many of `count` weights a round removes where it rounds to nearest, halves to even.

    torch.nn.utils.prune counts so, and with it Paganini & Forde 2020 (appendix H.2).
    """
    return round(count * rate)


def left(count: int, rate: Fraction, rounds: int) -> int:
    """Return how many of `count` weights are left after rounds that each round to nearest."""
    for _ in range(rounds):
        count -= removed(count, rate)
    return count


class RoundedArchitecture(Architecture):
    """A network of which each round removes a number of weights that is rounded to nearest, not down."""

    @functools.cache
    def kept(self, round: int) -> tuple[int, ...]:
        """Number of weights that each layer keeps after `round` rounds of layer-wise pruning."""
        return tuple(left(layer.weights, self.rate(layer), round) for layer in self.layers)

    @functools.cache
    def kept_in_all(self, round: int) -> int:
        """Number of weights that all prunable layers together keep after `round` rounds that rank them as one."""
        whole = super().kept_in_all(0)
        return left(whole, min(rate for _, rate in self.pruned_per_round), round)


HEADS = {10: "", 47: "-47", 100: "-100"}  # what ends the name of a network with outputs for so many classes


def with_classes(name: str, classes: int) -> str:
    """Return the name of a network like the one of this name, with outputs for so many classes."""
    base = next((name.removesuffix(end) for end in HEADS.values() if end and name.endswith(end)), name)
    return base + HEADS.get(classes, f"-{classes}")


def _rates(per_cent: dict[str, int]) -> tuple[tuple[str, Fraction], ...]:
    return tuple((role, Fraction(share, 100)) for role, share in per_cent.items())


def _dense(*sizes: int) -> list[nn.Module]:
    from torch import nn

    parts: list[nn.Module] = []
    for size in pairwise(sizes):
        parts += [nn.Linear(*size), nn.ReLU()]
    return parts[:-1]


def _chain(*sizes: int) -> nn.Module:
    from torch import nn

    return nn.Sequential(*_dense(*sizes))


def _perceptron(name: str, *sizes: int, rate: int = 20, initialiser: str = GLOROT) -> Architecture:
    """The output layer is pruned at half the rate, as Frankle & Carbin do."""
    build, rates = functools.partial(_chain, *sizes), _rates({HIDDEN: rate, OUTPUT: rate // 2})
    return Architecture(name, build, rates, initialiser=initialiser)


def _swept(
    name: str, inputs: int, first: int, second: int, narrow: tuple[int, int], initialiser: str = GLOROT
) -> list[Architecture]:
    """Frankle & Carbin's appendix G: a network at other pruning rates, from other deviations, and narrower."""
    sizes = (inputs, first, second, 10)
    return [
        *(_perceptron(f"{name}{PRUNED}{rate}", *sizes, rate=rate, initialiser=initialiser) for rate in (10, 40, 60)),
        *(_perceptron(f"{name}{NORMAL}{deviation}", *sizes, initialiser=f"normal_{deviation}")
          for deviation in ("0_025", "0_1", "0_4")),
        _perceptron(f"{name}{NARROW}", inputs, *narrow, 10, initialiser=initialiser),
    ]  # fmt: skip


def _planted(task: str, depth: int, width: int = 100, printed: bool = False) -> Architecture:
    """The network that a task's target is planted in, at the paper's `printed` scale or at ours.

    Its depth counts the input layer; it is pruned to shares.
    """
    inputs, outputs = SIZES[task]
    name = f"planted-{task}-{depth}" + ("" if width == 100 else f"-{width}") + (f"-{PRINTED}" if printed else "")
    build = functools.partial(_chain, inputs, *(width,) * (depth - 2), outputs)
    return Architecture(name, build, scope="global", task=CLASSIFICATION if task == "circle" else REGRESSION)


def _pairs(image: tuple[int, int, int], width: int, *channels: int) -> nn.Module:
    """Return two convolutions of each number of channels, each pair pooled, and three dense layers, two of `width`."""
    from torch import nn

    parts: list[nn.Module] = []
    for before, after in pairwise((image[0], *channels)):
        first, second = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        parts += [first, nn.ReLU(), second, nn.ReLU(), nn.MaxPool2d(2)]
    side = image[1] >> len(channels)
    return nn.Sequential(*parts, nn.Flatten(), *_dense(side * side * channels[-1], width, width, 10))


def _small_convolutional(
    name: str, rate: int, *channels: int, image: tuple[int, int, int] = COLOUR, width: int = 256
) -> Architecture:
    """Convolutions are pruned at a rate of the network's own, dense layers as those of perceptrons."""
    rates = _rates({CONVOLUTION: rate, HIDDEN: 20, OUTPUT: 10})
    return Architecture(name, functools.partial(_pairs, image, width, *channels), rates, image=image)


def _convolutional(name: str, rate: int, *channels: int) -> list[Architecture]:
    """One of Frankle & Carbin's networks for CIFAR, and the same with a quarter of its channels and dense units."""
    narrow = [count // 4 for count in channels]
    return [
        _small_convolutional(name, rate, *channels),
        _small_convolutional(f"{name}{QUARTER}", rate, *narrow, width=64),
    ]


def _lenet_conv(image: tuple[int, int, int], channels: tuple[int, int], *dense: int, padding: int = 0) -> nn.Module:
    """Return two convolutions of 3x3, each followed by a pool, and dense layers of these sizes.

    So Paganini & Forde 2020 build their Lenet (appendix H.1).
    """
    from torch import nn

    parts: list[nn.Module] = []
    for before, after in pairwise((image[0], *channels)):
        parts += [nn.Conv2d(before, after, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), *_dense(*dense))


def _pruned_as_one(
    name: str,
    build: Callable[[], nn.Module],
    image: tuple[int, int, int] = DIGIT,
    initialiser: str = UNIFORM,
    shortcut: str = "",
) -> Architecture:
    """A network of Paganini & Forde 2020: a fifth of all weights a round, the output layer like all others.

    What lies under the name `shortcut` is not pruned: the parameters left in their Table 1 are those of a ResNet-18
    that keeps its three convolutions of 1x1.
    """
    rates, roles = _rates({CONVOLUTION: 20, HIDDEN: 20, OUTPUT: 20}), ((shortcut, SHORTCUT),) if shortcut else ()
    return RoundedArchitecture(name, build, rates, "global", initialiser=initialiser, image=image, roles=roles)


def _lenets() -> list[Architecture]:
    """The Lenet of Paganini & Forde, also with outputs for the classes of EMNIST and CIFAR-100, wider, and smaller.

    Layers of one shape have one name in all of them, so that a seed starts these alike whatever the number of classes.
    """
    return [
        *(_pruned_as_one(f"lenet-conv{end}", functools.partial(_lenet_conv, DIGIT, (6, 16), 400, 120, 84, classes))
          for classes, end in HEADS.items()),
        _pruned_as_one("lenet-conv-wide", functools.partial(_lenet_conv, DIGIT, (24, 64), 1600, 480, 336, 10)),
        _pruned_as_one(
            f"lenet-conv{MINIATURE}",
            functools.partial(_lenet_conv, SMALL_DIGIT, (6, 16), 64, 40, 28, 10, padding=1),
            SMALL_DIGIT,
        ),
    ]  # fmt: skip


def _enlarged(kind: str, classes: int) -> nn.Module:
    from lottery.models.torchvision_networks import enlarged

    return enlarged(kind, classes)


def _large(kind: str, initialiser: str, shortcut: str = "") -> list[Architecture]:
    """One of torchvision's networks: for images in colour and in grey, for 10 classes, CIFAR-100's and EMNIST's.

    Paganini & Forde 2020 write that weights start as torch's layers draw them, and that networks are torchvision's,
    of which two draw their weights themselves. Either can be asked for by name.
    """
    inputs = {"": (COLOUR, 10), "-100": (COLOUR, 100), "-grey": (DIGIT, 10), "-grey-47": (DIGIT, 47)}
    starts = {"": initialiser} | ({"-uniform": UNIFORM} if initialiser != UNIFORM else {})
    return [
        _pruned_as_one(f"{kind}-224{end}{start}", functools.partial(_enlarged, kind, classes), image, drawn, shortcut)
        for end, (image, classes) in inputs.items()
        for start, drawn in starts.items()
    ]


def _miniature(kind: str) -> nn.Module:
    from lottery.models import torchvision_networks

    return getattr(torchvision_networks, f"{kind}_miniature")()


def _resnet() -> nn.Module:
    """Return the CIFAR ResNet-20 that Frankle & Carbin call Resnet-18; shortcuts and output layer are not pruned."""
    from torch import nn

    from lottery.models.residual import Residual

    stages = pairwise((16,) * 4 + (32,) * 3 + (64,) * 3)
    start = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Residual(before, after) for before, after in stages]
    return nn.Sequential(*start, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def _vgg() -> nn.Module:
    """Return VGG-19 for CIFAR with batch norm and one dense layer, which Frankle & Carbin have from Liu et al. 2019."""
    from torch import nn

    parts: list[nn.Module] = []
    before = 3
    for after, depth in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(depth):
            parts += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        parts.append(nn.MaxPool2d(2))
    parts[-1] = nn.AvgPool2d(2)
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(512, 10))


ARCHITECTURES = {
    network.name: network
    for network in (
        _perceptron("lenet-300-100", 784, 300, 100, 10),
        # LeNet-300-100 in miniature, for 8x8 digits; widths that are multiples of 16 are a tenth faster than 100, 50.
        # It starts from Gaussian Glorot as Frankle & Carbin print it, not truncated, and stops well within its run
        _perceptron("lenet-96-48", 64, 96, 48, 10, initialiser=NOT_TRUNCATED),
        *_swept("lenet-300-100", 784, 300, 100, (75, 25)),
        *_swept("lenet-96-48", 64, 96, 48, (24, 12), NOT_TRUNCATED),
        *_convolutional("conv-2", 10, 64),
        *_convolutional("conv-4", 10, 64, 128),
        *_convolutional("conv-6", 15, 64, 128, 256),
        _small_convolutional(f"conv-2{MINIATURE}", 10, 8, image=SMALL_DIGIT, width=32),
        *_lenets(),
        *_large("alexnet", UNIFORM),
        *_large("vgg11", VGG),
        *_large("resnet18", RESNET, "downsample"),
        # from the draws of the large ones the first two would guess for most of a short run: signals fade on their way
        _pruned_as_one(f"alexnet{MINIATURE}", functools.partial(_miniature, "alexnet"), initialiser=HE),
        _pruned_as_one(f"vgg11{MINIATURE}", functools.partial(_miniature, "vgg11"), initialiser=HE),
        _pruned_as_one(
            f"resnet18{MINIATURE}", functools.partial(_miniature, "resnet18"), initialiser=RESNET, shortcut=SHORTCUT
        ),
        Architecture(
            "resnet-18", _resnet, _rates({CONVOLUTION: 20}), "global", image=COLOUR, roles=((SHORTCUT, SHORTCUT),)
        ),
        Architecture("vgg-19", _vgg, _rates({CONVOLUTION: 20}), "global", image=COLOUR),
        *(_planted(task, depth) for task in SIZES for depth in (3, 4, 5, 6, 10)),
        _planted("circle", 6, 1000),
        _planted("circle", 5, printed=True),
    )
}


def is_planted(name: str) -> bool:
    """Return whether a ticket is planted in the network of this name."""
    return name.startswith("planted-")


def network(name: str) -> Architecture:
    """Return the network of this name, or raise with the names there are."""
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise LotteryError(f"there is no network {name!r}; the networks are {', '.join(ARCHITECTURES)}") from None
