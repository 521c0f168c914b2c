"""The engine as most tests call it: a network by name, and everything that is measured of a training."""

from collections.abc import Callable, Sequence

from torch import Tensor

from lottery.data.datasets import Dataset
from lottery.models.architectures import network as architecture_of
from lottery.models.model import model_of
from lottery.training.config import Config
from lottery.training.fit import Outcome, Replica, fit, observers_for
from lottery.training.parametrisation import Identity, Parametrisation


def train(
    network: str,
    data: Dataset,
    config: Config,
    replicas: Sequence[Replica],
    watch: Callable[[int], None] = lambda iteration: None,
    parametrise: Callable[[Tensor], Parametrisation] = Identity,
) -> list[Outcome]:
    """Return what became of each replica of a network, measured by `observers_for`; `watch` is told of every look."""
    model = model_of(architecture_of(network))
    return fit(model, parametrise, data, config, replicas, observers_for(parametrise, watch))
