"""The training step of R networks, captured on a GPU."""

import torch
from torch import Tensor

from lottery.models.model import Model, Streams
from lottery.training.data_order import ReplicaData
from lottery.training.optimiser import Descent
from lottery.training.parametrisation import Parametrisation

TRIALS = 3  # steps before a GPU's step is captured


class Step:
    """One training step of a batch: its images, its gradient, the move, the parameters that follow.

    On a GPU the step is captured once in a CUDA graph and replayed from then on: launching its thirty small kernels one
    by one would take longer than running them. Nothing in it waits for the processor.
    """

    def __init__(
        self,
        model: Model,
        data: ReplicaData,
        parameters: Parametrisation,
        buffers: Tensor,
        descent: Descent,
        loss: str,
        streams: Streams,
    ):
        self._model, self._data, self._parameters, self._buffers = model, data, parameters, buffers
        self._descent, self._loss, self._streams = descent, loss, streams
        self._replicas = len(buffers)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._index = torch.empty(0)  # (R * B), where a captured step reads which images it takes
        self._captures = data.device.type == "cuda" and parameters.resident

    def __call__(self, index: Tensor) -> None:
        """Train on what `index` (R, B) says of each replica's data: images, and their variants where they have any."""
        index = self._data.rows(index).reshape(-1)
        if not self._captures:
            self._run(index)
            return
        if self._graph is None:
            self._graph = self._captured(index)
        self._index.copy_(index)
        self._graph.replay()

    def release(self) -> None:
        """Give up the captured step, which something has outdated; the next one is captured anew."""
        self._graph = None

    def _run(self, index: Tensor) -> None:
        images, labels = self._data.batch(index)
        images, parameters = images.view(self._replicas, -1, *images.shape[1:]), self._parameters
        self._model.set_gradient(
            parameters.effective,
            self._buffers,
            images,
            labels,
            self._loss,
            self._streams,
            parameters.effective_gradient,
        )
        parameters.pull_back()
        self._descent.step()
        parameters.refresh()

    def _captured(self, index: Tensor) -> torch.cuda.CUDAGraph:
        """Return the captured step, after trial steps that libraries set themselves up in; their effect is undone."""
        with torch.cuda.device(index.device):
            self._index, state = index.clone(), [*self._descent.state, self._buffers]
            before = [tensor.clone() for tensor in state]
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(TRIALS):
                    self._run(self._index)
            torch.cuda.current_stream().wait_stream(aside)
            for tensor, value in zip(state, before):
                tensor.copy_(value)
            self._parameters.refresh()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._run(self._index)
            return graph
