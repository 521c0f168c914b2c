"""Observers: what is measured while R networks are trained. They look on and change nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lottery.models.evaluation import evaluate, predictions
from lottery.models.model import Model
from lottery.training.config import Config
from lottery.training.data_order import ReplicaData
from lottery.training.learned_masks import Supermask
from lottery.training.parametrisation import Parametrisation


@dataclass(frozen=True)
class State:
    """A training in progress: its model, parameters and buffers (R, Q), data and config."""

    model: Model
    parameters: Parametrisation
    buffers: Tensor
    data: ReplicaData
    config: Config

    def evaluate(
        self, part: str, parameters: Tensor | None = None, buffers: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return mean loss and score (R,) on a part of the data, of the effective parameters or of others (R, P)."""
        parameters = self.parameters.effective if parameters is None else parameters
        buffers, asked = self.buffers if buffers is None else buffers, self.data.part(part)
        return evaluate(self.model, parameters, buffers, asked.images, asked.labels)


class Observer:
    """Looks at a training when it begins, at every look at the validation loss, and when it ends."""

    def begin(self, state: State) -> None:
        """Look before the first step."""

    def look(self, state: State, iteration: int) -> None:
        """Look after this iteration."""

    def end(self, state: State) -> None:
        """Look after the last step and the last look."""

    def measurements(self, row: int) -> dict[str, object]:
        """Return what was found out about one replica: numbers and lists of numbers by name."""
        return {}


class Progress(Observer):
    """Tells the iteration at every look."""

    def __init__(self, watch: Callable[[int], None]):
        self._watch = watch

    def look(self, state: State, iteration: int) -> None:
        """Tell it."""
        self._watch(iteration)


class Snapshots(Observer):
    """Copies of the effective parameters, (R, P) on the processor, after the iterations that the config names."""

    def begin(self, state: State) -> None:
        """Start without any."""
        self.taken: dict[int, Tensor] = {}

    def look(self, state: State, iteration: int) -> None:
        """Take one if it is time."""
        if iteration in state.config.snapshots:
            self.taken[iteration] = state.parameters.effective.to("cpu", copy=True)


class Predictions(Observer):
    """The classes (R, N) uint8 that are predicted for the test data at the end."""

    def end(self, state: State) -> None:
        """Take them from the trained networks."""
        images = state.data.part("test").images[0]
        self.found = predictions(state.model, state.parameters.effective, state.buffers, images).to(torch.uint8).cpu()


class EarlyStop(Observer):
    """The running minimum of the validation loss, (R,), and a copy of parameters and buffers there.

    It is found afterwards and never stops a run.
    """

    def begin(self, state: State) -> None:
        """Start without a minimum."""
        self._config = state.config
        self.start(state.parameters.effective, state.buffers)

    def start(self, parameters: Tensor, buffers: Tensor) -> None:
        """Start from parameters (R, P) and buffers (R, Q) that are none of a minimum."""
        self.parameters, self.buffers = parameters.clone(), buffers.clone()
        self.loss = torch.full((len(parameters),), torch.inf, dtype=torch.float64, device=parameters.device)
        self.iteration = torch.zeros(len(parameters), dtype=torch.int64, device=parameters.device)
        self.curve: list[Tensor] = []
        self.accuracies: list[Tensor] = []

    def look(self, state: State, iteration: int) -> None:
        """Take the validation loss."""
        self.note(iteration, *state.evaluate("validation"), state.parameters.effective, state.buffers)

    def note(self, iteration: int, loss: Tensor, accuracy: Tensor, parameters: Tensor, buffers: Tensor) -> None:
        """Take note of the validation loss and accuracy (R,) at this iteration; the first of equal minima counts."""
        lower = loss < self.loss
        self.loss = torch.where(lower, loss, self.loss)
        self.iteration = torch.where(lower, iteration, self.iteration)
        self.parameters = torch.where(lower.unsqueeze(1), parameters, self.parameters)
        self.buffers = torch.where(lower.unsqueeze(1), buffers, self.buffers)
        self.curve.append(loss)
        self.accuracies.append(accuracy)

    def end(self, state: State) -> None:
        """Bring what was found to the processor."""
        self._found = self.iteration.tolist(), *(torch.stack(of, 1).tolist() for of in (self.curve, self.accuracies))

    def measurements(self, row: int) -> dict[str, object]:
        """Return where the minimum was, and the curves; censored is one in the last tenth, or none."""
        iterations, curves, accuracies = self._found
        stop, length = iterations[row], self._config.iterations
        return {
            "early_stop_iteration": stop,
            "censored": stop == 0 or stop > 0.9 * length,
            "validation_loss": curves[row],
            "validation_accuracy": accuracies[row],
            "interval": self._config.interval,
            "iterations": length,
        }


def step(state: State, part: str) -> float:
    """Return by how many points of accuracy one image of a part of the data counts."""
    return 100 / state.data.part(part).labels.shape[1]


def constant(state: State, part: str) -> float:
    """Return the accuracy in per cent of the best constant answer: what a network that learned nothing can have."""
    labels = state.data.part(part).labels[0]
    return 100 * int(labels.bincount().max()) / len(labels)


class Accuracies(Observer):
    """Accuracies in per cent at the start, on test data, and at early stop and at the end, on test and training data.

    A network that diverged has no accuracy, not that of a guess.
    """

    def __init__(self, early_stop: EarlyStop):
        self._early_stop = early_stop

    def begin(self, state: State) -> None:
        """Measure the start."""
        self._columns = {"test_accuracy_start": state.evaluate("test")[1]}

    def end(self, state: State) -> None:
        """Measure early stop and end."""
        stop = self._early_stop
        moments = {
            "early_stop": (stop.parameters, stop.buffers, stop.iteration > 0),
            "end": (state.parameters.effective, state.buffers, stop.curve[-1].isfinite()),
        }
        for moment, (parameters, buffers, sound) in moments.items():
            for part in ("test", "train"):
                accuracy = state.evaluate(part, parameters, buffers)[1]
                self._columns[f"{part}_accuracy_{moment}"] = torch.where(sound, accuracy, torch.nan)
        self._lists = {name: values.tolist() for name, values in self._columns.items()}
        self._levels: dict[str, object] = {"accuracy_step": step(state, "test")}
        self._levels |= {f"{part}_accuracy_step": step(state, part) for part in ("train", "validation")}
        self._levels |= {f"{part}_accuracy_constant": constant(state, part) for part in ("test", "train")}

    def measurements(self, row: int) -> dict[str, object]:
        """Return all of them, the smallest differences that there can be, and what the best constant answer has."""
        return {name: values[row] for name, values in self._lists.items()} | self._levels


class MaskedAccuracies(Observer):
    """The test accuracy of learned masks at the end: mean and deviation over masks, as Zhou et al. evaluate theirs."""

    def end(self, state: State) -> None:
        """Measure as many masks as the parametrisation draws."""
        masks: Supermask = state.parameters  # type: ignore[assignment]
        accuracies = []
        for _ in range(masks.draws):
            masks.refresh()
            accuracies.append(state.evaluate("test")[1])
        # logits that diverged draw empty masks, whose accuracy is a guess
        sound = masks.trained.isfinite().all(1, keepdim=True)
        self._drawn = torch.where(sound, torch.stack(accuracies, 1), torch.nan)  # (R, masks)
        self._remaining, self._iterations = masks.remaining().tolist(), state.config.iterations
        self._levels = {
            "accuracy_step": step(state, "test") / masks.draws,
            "test_accuracy_constant": constant(state, "test"),
        }

    def measurements(self, row: int) -> dict[str, object]:
        """Return them, the share of weights that a mask keeps, and levels as `Accuracies` has them."""
        drawn = self._drawn[row]
        return {
            "test_accuracy_end": drawn.mean().item(),
            "test_accuracy_deviation": drawn.std(correction=min(1, len(drawn) - 1)).item(),
            "weights_remaining": self._remaining[row],
            "iterations": self._iterations,
            **self._levels,
        }
