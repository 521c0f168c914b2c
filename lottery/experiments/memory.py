"""Memory: how much of it a training takes on a GPU, and how many networks fit."""

import functools

import torch

from lottery.data.made_tasks import HELD_OUT, SAMPLES
from lottery.data.tasks import SIZES
from lottery.experiments.arms import TOP, LearnMask
from lottery.experiments.experiment import Experiment
from lottery.models.architectures import Architecture, is_planted
from lottery.models.cost import training_cost
from lottery.models.model import model_of
from lottery.planting.planted_networks import task_of

USED = 0.8  # of the memory that is free: libraries and fragments take theirs
# Blocks (R, P) that live at most at one time, by what is trained, with temporaries: tests/test_memory.py counts them.
BLOCKS = {"adam": 8, "sgd": 8, "bernoulli": 13, TOP: 11}
TRAINED, EVALUATED = 3, 1  # times that the activations of a training batch, and of an evaluation's rows, live at most
SAMPLED = 3  # times that data of a network's own do: as they are, beside the others', and as an observer holds them


def working_set(experiment: Experiment) -> int:
    """Return how many floats a network of an experiment keeps busy: its parameters, and the activations of a batch."""
    setting = experiment.setting
    activations = training_cost(setting.architecture, setting.config.batch_size).activations
    return setting.architecture.layout.size + activations // 4


def kind(experiment: Experiment) -> str:
    """Return which row of `BLOCKS` is an experiment's: its optimiser, or the way its mask is learned."""
    action = experiment.arm.action
    if isinstance(action, LearnMask):
        return TOP if action.method == TOP else "bernoulli"
    return experiment.setting.config.optimiser


def peak(experiment: Experiment) -> int:
    """Return how many bytes a network of an experiment takes at most, beside data that all share.

    A convolutional one keeps patches of the rows of an evaluation beside those of a batch, as long as it lives.
    """
    architecture, batch = experiment.setting.architecture, experiment.setting.config.batch_size
    planted = is_planted(architecture.name)
    rows = HELD_OUT if planted else architecture.layout.rows
    trained, evaluated = (_activations(architecture, count) for count in (batch, rows))
    own = 4 * SAMPLES * sum(SIZES[task_of(architecture.name)[0]]) if planted else 0
    blocks = 4 * BLOCKS[kind(experiment)] * architecture.layout.size
    return blocks + max(TRAINED * trained, EVALUATED * evaluated) + SAMPLED * own


@functools.cache
def _activations(architecture: Architecture, batch: int) -> int:
    """Return how many bytes a pass of the network's model over so many inputs keeps, patches or autograd's included."""
    return model_of(architecture).cost(batch).activations


def fitting(experiment: Experiment, device: str, sharing: int) -> int:
    """Return how many networks of an experiment's kind fit into what is free of a GPU that so many workers share."""
    torch.cuda.empty_cache()  # what torch keeps for itself counts as used otherwise
    return max(1, int(torch.cuda.mem_get_info(device)[0] * USED / sharing) // peak(experiment))
