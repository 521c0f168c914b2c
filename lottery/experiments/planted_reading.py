"""What is measured of a network with a planted ticket: how good it is before and after training, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lottery.data.datasets import Dataset
from lottery.experiments.parts import Prepared
from lottery.experiments.population import Population
from lottery.planting.planted_networks import task_of
from lottery.planting.readings import RATES, kept_parts, levels, overlap, readings, strongest
from lottery.store.fingerprints import listed
from lottery.training.observers import Observer, State

Readings = dict[str, list[float]]


@listed
class PlantedReading(Observer):
    """Reads strong (untrained) tickets before a training and weak ones after it; of learned masks the strong."""

    def __init__(self, population: Population, made: Sequence[Prepared], learned: bool = False, softmax: bool = False):
        self._population, self._made, self._learned, self._softmax = population, made, learned, softmax
        self._own: list[Dataset] = population.data  # type: ignore[assignment]
        self._test = torch.stack([data.test.images for data in self._own])  # (R, n, inputs)
        self._observed = torch.stack([data.test.labels for data in self._own])
        self._scale = population.planted_scale()
        self._strong: Readings = {}
        self._weak: Readings = {}
        self._kept = torch.stack([prepared.cut.trainable for prepared in made]).bool()  # (R, P)

    def begin(self, state: State) -> None:
        """Read the strong tickets."""
        if not self._learned:
            self._strong = self.read(state.parameters.effective)

    def end(self, state: State) -> None:
        """Read the weak tickets, or those that a learned mask leaves."""
        if self._learned:
            learned: Any = state.parameters
            self._strong, self._kept = self.read(learned.effective), self._kept & learned.masks().cpu()
        else:
            self._weak = self.read(state.parameters.effective)

    def read(self, parameters: Tensor) -> Readings:
        """Return every reading's scores (R,) of networks with these parameters (R, P) on their own test data."""
        outputs = self._population.model.outputs(parameters, parameters[:, :0], self._test, (), False)
        return readings(self._population.architecture.name, outputs, self._observed, self._scale, self._softmax)

    def use(self, strong: Readings) -> PlantedReading:
        """Return the observer with strong readings taken where nothing is trained."""
        self._strong = strong
        return self

    def arrays(self, row: int) -> dict[str, np.ndarray]:
        """Return what is kept beside the measurements: the mask, as bits."""
        return {"mask": np.packbits(self._kept[row].numpy())}

    def measurements(self, row: int) -> dict[str, object]:
        """Return the measurements of one search: errors of regressions, accuracies of circle in per cent."""
        population, name = self._population, self._population.architecture.name
        strong = {how: values[row] for how, values in self._strong.items()}
        measured: dict[str, object] = {f"strong_{how}": value for how, value in strong.items()}
        measured["strong"] = strongest(name, strong)
        for how, values in self._weak.items():
            if how != "scaled":
                measured["weak" if how == "raw" else f"weak_{how}"] = values[row]
        places = population.planted_places()[row : row + 1]
        history = self._made[row].cut.measured or {
            rate: [value] for rate, value in overlap(population.layout, self._kept[row : row + 1], places)[0].items()
        }
        return {
            **measured,
            **levels(name, self._own[row]),
            **kept_parts(population.layout, self._kept[row]),
            **{rate: history[rate] for rate in (*RATES, "kept")},
            "iterations": population.experiments[row].steps,
            "accuracy_step": 100 / len(self._own[row].test.images) if task_of(name)[0] == "circle" else 0.0,
        }


@listed
def read_untrained(population: Population, made: Sequence[Prepared]) -> list[dict[str, object]]:
    """Return the measurements of searches of which nothing is trained."""
    reading = PlantedReading(population, made)
    parameters = torch.stack([prepared.start for prepared in made]).to(population.device)
    reading.use(reading.read(parameters))
    return [reading.measurements(row) for row in range(len(made))]
