"""Evaluation: what R networks make of data that they are not trained on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lottery.data.datasets import Dataset
from lottery.models.architectures import network
from lottery.models.model import Model, model_of
from lottery.models.task import SQUARED_ERROR


def evaluate(
    model: Model, parameters: Tensor, buffers: Tensor, inputs: Tensor, observed: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the mean loss and the score, (R,) each, in float64, of parameters (R, P) and buffers (R, Q).

    `inputs` (N, ...) and `observed` (N, ...) are everybody's, or each replica's own, (R, N, ...). The score of classes
    is the accuracy in per cent, that of values their mean squared error.
    """
    replicas, values = len(parameters), model.layout.network.loss == SQUARED_ERROR
    if inputs.dim() == len(model.layout.network.input_shape) + 1:
        inputs, observed = (tensor.expand(replicas, *tensor.shape) for tensor in (inputs, observed))
    loss = torch.zeros(replicas, dtype=torch.float64, device=inputs.device)
    correct = torch.zeros_like(loss)
    for start in range(0, inputs.shape[1], model.layout.rows):
        part = slice(start, start + model.layout.rows)
        outputs, truth = model.outputs(parameters, buffers, inputs[:, part], (), False), observed[:, part]
        if values:
            loss += (outputs - truth).square().double().mean(2).sum(1)
            continue
        highest, prediction = outputs.max(2)
        right = outputs.gather(2, truth.unsqueeze(2)).squeeze(2)
        surprise = (outputs - highest.unsqueeze(2)).exp_().sum(2).log_() + highest - right  # (R, n)
        loss += surprise.double().sum(1)
        correct += (prediction == truth).double().sum(1)
    loss /= inputs.shape[1]
    return loss, loss if values else 100 * correct / inputs.shape[1]


def predictions(model: Model, parameters: Tensor, buffers: Tensor, inputs: Tensor) -> Tensor:
    """Return the classes (R, N) int64 that parameters (R, P) and buffers (R, Q) predict for inputs (N, ...)."""
    passes = inputs.expand(len(parameters), *inputs.shape).split(model.layout.rows, dim=1)
    return torch.cat([model.outputs(parameters, buffers, some, (), False).argmax(2) for some in passes], 1)


@torch.no_grad()
def untrained_scores(name: str, data: Dataset, starts: Sequence[Tensor]) -> list[float]:
    """Return the score on test data of untrained networks, one for each block (P,) of parameters."""
    model, block = model_of(network(name)), torch.stack(list(starts)).to(data.device)
    buffers = model.layout.initial_buffers().to(block).repeat(len(block), 1)
    return evaluate(model, block, buffers, data.test.images, data.test.labels)[1].tolist()
