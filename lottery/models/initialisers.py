"""Initialisers: what the weights of a network start from."""

import torch
from torch import Tensor

from lottery.core.rng import stream
from lottery.models.architectures import Architecture


def initial_weights(architecture: Architecture, seed: int) -> list[Tensor]:
    """Return the initial weights of a replica, (inputs, outputs) a layer: N(0, 2 / (inputs + outputs)), biases being zero.

    Gaussian Glorot as Frankle & Carbin 2019 print it (Fig. 2). Zhou et al. 2019 use the same, truncated at two deviations.
    """
    return [
        torch.randn(layer.shape, generator=stream(seed, "init", layer.name)) * (2 / sum(layer.shape)) ** 0.5
        for layer in architecture.layers
    ]
