"""The training step of R networks, captured on a GPU."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from lottery.core.devices import meaning
from lottery.core.errors import DeviceFailure
from lottery.models.model import Model, Streams
from lottery.training.data_order import ReplicaData
from lottery.training.optimiser import Descent
from lottery.training.parametrisation import Parametrisation

EAGER = 3  # steps on a GPU before one is captured: libraries set themselves up in them


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
        self._replicas, self._done = len(buffers), 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._index = torch.empty(0)  # (R * B), where a captured step reads which images it takes
        self._captures = captures(data.device) and parameters.resident

    def __call__(self, index: Tensor) -> None:
        """Train on what `index` (R, B) says of each replica's data: images, and their variants where they have any."""
        index = self._data.rows(index).reshape(-1)
        if not self._captures:
            self._run(index)
            return
        if not self._done:
            self._index = torch.empty_like(index)
        self._index.copy_(index)
        self._done += 1
        if self._done <= EAGER:
            self._run_aside()
            return
        if self._graph is None:
            self._graph = self._captured()
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

    def _run_aside(self) -> None:
        """Take a step on the stream that steps are captured on, where libraries keep workspaces of their own."""
        aside = capture_stream(self._index.device)
        aside.wait_stream(torch.cuda.current_stream(self._index.device))
        with torch.cuda.stream(aside):
            self._run(self._index)
        torch.cuda.current_stream(self._index.device).wait_stream(aside)

    def _captured(self) -> torch.cuda.CUDAGraph:
        """Return the captured step, which has not been taken yet; raise where it cannot be captured.

        Whatever broke it leaves torch's memory and streams in the middle of a capture: the process is lost.
        """
        graph, device = torch.cuda.CUDAGraph(), self._index.device
        try:
            with torch.cuda.device(device), torch.cuda.graph(graph, stream=capture_stream(device)):
                self._run(self._index)
        except RuntimeError as error:
            raise DeviceFailure(
                f"a training step could not be captured on {device} ({meaning(_first(error))}); everything that was "
                "finished is kept, and the same command goes on from there; with --device cpu it does without"
            ) from None
        return graph


_capturing = True


def captures(device: torch.device) -> bool:
    """Return whether steps are captured on a device."""
    return device.type == "cuda" and _capturing


@contextmanager
def one_by_one() -> Iterator[None]:
    """Take all steps that are begun meanwhile one by one, to compare with captured ones."""
    global _capturing
    _capturing = False
    try:
        yield
    finally:
        _capturing = True


@functools.cache
def capture_stream(device: torch.device) -> torch.cuda.Stream:
    """Return a GPU's one stream for captures: each further one would cost workspaces that are never given back."""
    return torch.cuda.Stream(device)


def _first(error: BaseException) -> BaseException:
    """Return what an error began with: that the end of a capture failed says little."""
    while error.__context__ is not None:
        error = error.__context__
    return error
