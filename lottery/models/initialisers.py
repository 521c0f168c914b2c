"""Initialisers: what the weights of a layer start from, by name; biases start at zero."""

import torch
from torch import Tensor, nn

from lottery.core.registry import Registry
from lottery.core.rng import stream
from lottery.models.architectures import Architecture
from lottery.models.layers import Layer

INITIALISERS = Registry("initialiser", "initialisers", ("layer", "generator"))
SEEDS = 2**62  # of modules that are drawn as a whole


@INITIALISERS
def glorot_normal(layer: Layer, generator: torch.Generator) -> Tensor:
    """N(0, 2 / (fan in + fan out)): Gaussian Glorot, as Frankle & Carbin 2019 print it (Fig. 2)."""
    return torch.randn(layer.shape, generator=generator) * _glorot(layer)


@INITIALISERS
def truncated_glorot_normal(layer: Layer, generator: torch.Generator) -> Tensor:
    """Return Gaussian Glorot, drawn anew beyond two deviations, as the code of Zhou et al. 2019 draws it.

    The deviation is not corrected for that, so that the weights' own is 0.88 of it.
    """
    deviation = _glorot(layer)
    weights = torch.empty(layer.shape)
    return nn.init.trunc_normal_(weights, 0.0, deviation, -2 * deviation, 2 * deviation, generator=generator)


@INITIALISERS
def he_normal(layer: Layer, generator: torch.Generator) -> Tensor:
    """N(0, 2 / fan in): He et al. 2015, equation 10."""
    return torch.randn(layer.shape, generator=generator) * (2 / layer.fan_in) ** 0.5


@INITIALISERS
def torch_uniform(layer: Layer, generator: torch.Generator) -> Tensor:
    """U(-b, b) with b = 1 / sqrt(fan in): what torch's own layers draw; they draw their biases so too, we do not."""
    return (2 * torch.rand(layer.shape, generator=generator) - 1) / layer.fan_in**0.5


@INITIALISERS
def torchvision_vgg(layer: Layer, generator: torch.Generator) -> Tensor:
    """Return N(0, 2 / fan out) in convolutions, N(0, 0.01^2) in dense layers: what torchvision's VGG draws."""
    deviation = (2 / layer.fan_out) ** 0.5 if len(layer.shape) > 2 else 0.01
    return deviation * torch.randn(layer.shape, generator=generator)


@INITIALISERS
def torchvision_resnet(layer: Layer, generator: torch.Generator) -> Tensor:
    """Return N(0, 2 / fan out) in convolutions, `torch_uniform` in dense layers: what torchvision's ResNet draws."""
    if len(layer.shape) > 2:
        return (2 / layer.fan_out) ** 0.5 * torch.randn(layer.shape, generator=generator)
    return torch_uniform(layer, generator)


@INITIALISERS
def normal_0_025(layer: Layer, generator: torch.Generator) -> Tensor:
    """N(0, 0.025^2) in every layer."""
    return 0.025 * torch.randn(layer.shape, generator=generator)


@INITIALISERS
def normal_0_1(layer: Layer, generator: torch.Generator) -> Tensor:
    """N(0, 0.1^2) in every layer: the deviation that Frankle & Carbin 2019 find best (appendix G)."""
    return 0.1 * torch.randn(layer.shape, generator=generator)


@INITIALISERS
def normal_0_4(layer: Layer, generator: torch.Generator) -> Tensor:
    """N(0, 0.4^2) in every layer."""
    return 0.4 * torch.randn(layer.shape, generator=generator)


def _glorot(layer: Layer) -> float:
    return (2 / (layer.fan_in + layer.fan_out)) ** 0.5


def initial_weights(architecture: Architecture, seed: int) -> list[Tensor]:
    """Return the initial weights of a replica, each layer's in its shape."""
    initialise = INITIALISERS.find(architecture.initialiser)
    return [initialise(layer=layer, generator=stream(seed, "init", layer.name)) for layer in architecture.layers]


def initial_rest(architecture: Architecture, seed: int) -> Tensor | None:
    """Return parameters (P,) of a replica, of which those count that belong to no layer; None where none is drawn."""
    if architecture.drawn is None:
        return None
    return architecture.layout.read(architecture.drawn(whole_seed(stream(seed, "init", "rest"))))


def whole_seed(generator: torch.Generator) -> int:
    """Return a seed for a module that is drawn as a whole."""
    return int(torch.randint(SEEDS, (), generator=generator))
