"""Seeking: prune and train networks in which a ticket is planted, many searches at once, and compare what is kept with what was planted.

Fischer & Burkholz 2021, section 3 and appendix B.1. All searches of a population share network and length; their methods, shares,
seeds and noise are their own, and what one finds does not depend on the others. Every seed has a host, a planting and data of its own:
10,000 samples, 1,000 of them for testing, and 40 more that scores are taken on.

Where the authors' released code does otherwise than one would from the paper, this does what is sound, and `released` does what
the code does:

                       here                                              released
  as many as planted   the ticket's weights and biases                   its share of weights, times weights and biases
  number kept          exactly as many as asked for                      those above a threshold: all that tie with it go
  ties                 drawn                                             pruned
  pruned parameters    stay pruned in later rounds                       may come back
  edge-popup           linear outputs; biases have scores like weights   a softmax on every task; scores of biases start at zero, and stay
                                                                         there: which are kept is the choice of torch's top-k

Two differences no search switches, both are measured: strong tickets are read as they are, divided by the planting's scale, and on
regressions fitted; released, Circle's are read as they are (`strong_raw`), and regressions, trained ones as well, are fitted by a
factor of any sign (`strong_any_sign`, `weak_any_sign`), where here trained ones are read as they are.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data.datasets import Dataset, Part
from lottery.data.made_tasks import REGRESSION, dataset, draw, score, trivial
from lottery.experiments.arms import EDGE_POPUP, Seek
from lottery.experiments.scales import EPOCH, EPOCHS
from lottery.experiments.search_settings import config_of, count, number, together
from lottery.masks.ranking import keep, ranking
from lottery.masks.saliency import EACH_CLASS, Parameters, Saliency, perceptron
from lottery.masks.scores import scores
from lottery.models.architectures import network
from lottery.models.losses import OF_SOFTMAX
from lottery.models.model import model_of
from lottery.planting.planted_networks import planting, target_of, task_of
from lottery.training.config import Config
from lottery.training.fit import Replica, fit
from lottery.training.learned_masks import TopK
from lottery.training.observers import Progress
from lottery.training.parametrisation import Identity, Parametrisation
from lottery.training.schedules import CONSTANT, COSINE

CLASSES = 4  # of the samples that scores are taken on: 40 for every task, as released


class Population:
    """R searches of one kind: their starts, masks and data as blocks with a replica axis."""

    def __init__(self, searches: Sequence, device: str):
        self.searches, self.device = searches, torch.device(device)
        self.arms = [one.arm for one in searches]
        self.name = self.arms[0].network
        self.task = task_of(self.name)[0]
        self.architecture = network(self.name)
        self.model, self.layout = model_of(self.architecture), self.architecture.layout
        self.size = self.layout.count
        self.failed: dict[int, str] = {}
        seeds = sorted({one.seed for one in searches})
        rows = [seeds.index(one.seed) for one in searches]
        planted = planting(self.name, tuple(seeds))
        self.start = self._block(planted.network.weights, planted.network.biases)[rows].to(self.device)  # (R, P)
        self.planted = self._block(planted.weight_masks, planted.bias_masks)[rows].bool()
        self.scale = planted.scale[rows].unsqueeze(1).to(self.device)  # (R, 1, outputs)
        self.masks = torch.zeros_like(self.start, dtype=torch.bool)
        self.masks[:, : self.size] = True
        self.overlap: list[dict[str, list[float]]] = []  # of every round, (R,) each: see `_compare`
        self._load_data()

    def _block(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        """Return layers (H, ...) as blocks (H, P) of float32."""
        block = torch.zeros(len(weights[0]), self.layout.size)
        for part, values in zip([*self.layout.weights, *self.layout.biases], [*weights, *biases]):
            block[:, part] = values.flatten(1).float()
        return block

    def _load_data(self) -> None:
        """Set the data of all searches: here, and on the device."""
        draws = list(dict.fromkeys((one.seed, one.arm.noise) for one in self.searches))
        found = [dataset(self.task, *one) for one in draws]
        self.own = [found[draws.index((one.seed, one.arm.noise))] for one in self.searches]
        there = {id(data): _on(data, self.device) for data in found}
        self._data = [there[id(data)] for data in self.own]
        self._test = torch.stack([data.test.images for data in self.own]).to(self.device)  # (R, n, inputs)
        self._observed = torch.stack([data.test.labels for data in self.own]).to(self.device)

    def train(self, moment: str, epochs: int, watch: Callable[[], None]) -> Tensor:
        """Return the parameters (R, P) after so many epochs from the masked start, pruned ones at zero and every other moved."""
        config = replace(config_of(self.arms[0]), iterations=epochs * EPOCH)
        return self.fit(Identity, config, moment, watch, self.start * self.masks, self.masks)

    def scored(self) -> TopK:
        """Return the parametrisation of edge-popup, with every search's scores as they start."""
        shares, streams = (
            [count(arm) / self.size for arm in self.arms],
            [stream(one.seed, "scores") for one in self.searches],
        )
        scored = TopK(
            self.start, self.layout, streams, shares, biases=True, annealed=[arm.annealed for arm in self.arms]
        )
        for row, arm in enumerate(self.arms):
            if arm.released:
                scored.trained[row, self.layout.biases[0].start : self.size] = 0
        return scored

    def learn_scores(self, watch: Callable[[], None]) -> None:
        """Train the scores of edge-popup for all epochs under a falling learning rate, and keep what they choose at the end."""
        scored = self.scored()
        self.fit(lambda start: scored, config_of(self.arms[0]), "scores", watch)
        self.masks[:, : self.size] = scored.masks()[:, : self.size]
        self._compare()

    def fit(
        self,
        parametrise: Callable[[Tensor], Parametrisation],
        config: Config,
        moment: str,
        watch: Callable[[], None],
        start: Tensor | None = None,
        masks: Tensor | None = None,
    ) -> Tensor:
        """Return what was trained, (R, P), from `start` (R, P), by default the planted one; `masks` (R, P) say what may move."""
        start, whole = self.start if start is None else start, self.layout.trainable(None)
        trainable = [whole] * len(start) if masks is None else masks.to(whole)
        orders = [(one.seed, "data order", moment) for one in self.searches]
        config = replace(config, schedule=COSINE if self.arms[0].method == EDGE_POPUP else CONSTANT)
        loss = self.architecture.loss + (OF_SOFTMAX if self._softmax() else "")
        replicas, watching = list(map(Replica, start, trainable, orders)), Progress(lambda iteration: watch())
        outcomes = fit(self.model, parametrise, self._data, config, replicas, [watching], loss)
        return torch.stack([outcome.final for outcome in outcomes]).to(self.device)

    def _softmax(self) -> bool:
        return self.arms[0].method == EDGE_POPUP and self.arms[0].released

    def prune(self, round: int, final: Tensor) -> None:
        """Cut every search's mask to what a round leaves, scored after training that ended at `final` (R, P)."""
        final = torch.where(self.masks, final, self.start).cpu()  # what is pruned has not moved
        start, masks = self.start.cpu(), self.masks.cpu()
        for row, (one, arm) in enumerate(zip(self.searches, self.arms)):
            if row not in self.failed and arm.method:
                try:
                    self.masks[row] = self._cut(one, arm, round, masks[row], start[row], final[row])
                except LotteryError as error:
                    self.failed[row] = str(error)
        self._compare()

    def _cut(self, one, arm: Seek, round: int, mask: Tensor, start: Tensor, final: Tensor) -> Tensor:
        """Return the mask (P,) of a search after a round."""
        masks, sample = self.layout.parts(mask), draw(self.task, EACH_CLASS * CLASSES, one.seed, "prune", arm.noise)

        def saliency(parameters: Parameters) -> Saliency:
            return Saliency(
                perceptron(self.architecture), parameters, masks, sample.inputs, sample.observed, self.architecture.loss
            )

        found = scores(arm.method, one.seed, round, masks, self.layout.parts(start), self.layout.parts(final), saliency)
        flat, share = (
            torch.cat([values.flatten() for values in found.values()]),
            (count(arm) / self.size) ** (round / arm.rounds),
        )
        cut = torch.zeros_like(mask)
        groups = (
            [("all", slice(0, self.size))]
            if arm.scope == "global"
            else list(zip(found, [*self.layout.weights, *self.layout.biases]))
        )
        for name, part in groups:
            left = number(share, part.stop - part.start)
            if arm.released:
                cut[part] = above_threshold(flat[part], left)
            else:
                cut[part] = keep(
                    ranking(flat[part], mask[part], stream(one.seed, "ties", round, name)), left, flat[part].shape
                )
        return cut

    def _compare(self) -> None:
        """Take note of how many weights a round kept, of its recall and precision: which share of the planted is kept, of the kept planted.

        "chance" is the recall to expect if as many weights of every layer were kept at random: planted weights lie densely in narrow
        layers, and whoever keeps those finds many without knowing which.
        """
        kept, planted = self.masks.cpu(), self.planted
        counts = [
            (kept[:, part].sum(1).double(), planted[:, part].sum(1).double(), part.stop - part.start)
            for part in self.layout.weights
        ]
        all_kept, all_planted = (sum(column) for column in list(zip(*counts))[:2])
        both = sum((kept[:, part] & planted[:, part]).sum(1).double() for part in self.layout.weights)
        by_chance = sum(of_kept * of_planted / size for of_kept, of_planted, size in counts)
        found = {
            "recall": both / all_planted,
            "precision": both / all_kept.clamp(min=1),
            "chance": by_chance / all_planted,
            "kept": all_kept,
        }
        self.overlap.append({name: values.tolist() for name, values in found.items()})

    def readings(self, parameters: Tensor) -> dict[str, list[float]]:
        """Return scores (R,) on test data: of the outputs as they are, divided by the planting's scale, and for regressions fitted.

        "fitted" multiplies each output by the factor, not below zero, that brings it closest to the observed; "any sign" lets it be negative,
        as the released code does. Scores of networks that diverged are NaN.
        """
        outputs = self.model.outputs(parameters, parameters[:, :0], self._test, (), False)  # (R, n, outputs)
        found = {"raw": outputs, "scaled": outputs / self.scale}
        if self._softmax():
            found = {name: values.softmax(2) for name, values in found.items()}
            outputs = found["raw"]
        if self.task in REGRESSION:
            square = outputs.square().sum(1, keepdim=True)
            factor = torch.where(square > 0, (outputs * self._observed).sum(1, keepdim=True) / square, 1.0)
            found |= {"fitted": outputs * factor.clamp(min=0), "any_sign": outputs * factor}
        sound = outputs.isfinite().all(2).all(1)
        return {
            name: torch.where(sound, score(self.task, values, self._observed), torch.nan).tolist()
            for name, values in found.items()
        }

    def anatomy(self, row: int) -> dict[str, object]:
        """Return what a search kept: counts by layer, and whether a path is left from inputs to outputs."""
        parts = self.layout.parts(self.masks[row].cpu())
        layers = [parts[layer.name] for layer in self.architecture.layers]
        reached = torch.ones(layers[0].shape[0], dtype=torch.bool)
        for layer in layers:
            reached = (reached.unsqueeze(1) & layer).any(0)
        biases = [int(parts[f"{layer.name} bias"].sum()) for layer in self.architecture.layers]
        return {
            "weights_kept": [int(layer.sum()) for layer in layers],
            "biases_kept": biases,
            "connected": bool(reached.any()),
        }


def above_threshold(scores: Tensor, left: int) -> Tensor:
    """Return where scores are larger than the largest of those that go if `left` are to stay: fewer stay where some tie with it."""
    gone = scores.numel() - left
    return scores > scores.sort().values[gone - 1] if gone else torch.ones_like(scores, dtype=torch.bool)


@torch.no_grad()
def seek(
    searches: Sequence, device: str = "cpu", watch: Callable[[int], None] = lambda step: None
) -> list[tuple[dict, Tensor] | str]:
    """Return the measurements and the mask (P,) of every search, or the message of why its criterion failed.

    All must be of one kind: one network, and one way of training. `watch` is told the number of steps done after every epoch.
    """
    if not searches:
        return []
    if len({together(one.arm) for one in searches}) != 1:
        raise LotteryError(
            "searches go into one population if they share network, rounds, epochs, and whether scores or weights are trained"
        )
    population, arm, done = Population(searches, device), searches[0].arm, 0

    def epoch_done() -> None:
        nonlocal done
        done += EPOCH
        watch(done)

    weak = None
    if arm.method == EDGE_POPUP:
        population.learn_scores(epoch_done)
        strong = population.readings(population.start * population.masks)
    else:
        for round in range(1, arm.rounds + 1):
            final = population.train(f"round {round}", arm.epochs, epoch_done) if arm.epochs else population.start
            population.prune(round, final)
        strong = population.readings(population.start * population.masks)
        weak = population.readings(population.train("last", EPOCHS, epoch_done)) if arm.weak else None
    return [
        population.failed.get(row) or (_measured(population, row, strong, weak), population.masks[row].cpu())
        for row in range(len(searches))
    ]


@torch.no_grad()
def step_time(searches: Sequence, device: str) -> float:
    """Return the seconds of a training step of each of a population's searches, measured over a quarter of an epoch; scoring is not in it."""
    population, quarter, times = Population(searches, device), EPOCH // 4, []

    def look() -> None:
        if population.device.type == "cuda":
            torch.cuda.synchronize(population.device)
        times.append(time.perf_counter())

    scored = searches[0].arm.method == EDGE_POPUP
    config = replace(config_of(searches[0].arm), iterations=2 * quarter, interval=quarter)
    population.fit(lambda start: population.scored() if scored else Identity(start), config, "calibration", look)
    return (times[1] - times[0]) / quarter / len(searches)


def _on(data: Dataset, device: torch.device) -> Dataset:
    """Return a data set's training part on a device, and nothing else of it."""
    train = Part(data.train.images.to(device), data.train.labels.to(device))
    return Dataset(data.name, train, data.validation, data.validation, data.fingerprint)


def _measured(
    population: Population, row: int, strong: dict[str, list[float]], weak: dict[str, list[float]] | None
) -> dict[str, object]:
    """Return the measurements of one search: errors of regressions, accuracies of circle in per cent."""
    data, best = population.own[row], min if population.task in REGRESSION else max
    target = target_of(population.name)
    readings = [strong[name][row] for name in strong if name != "any_sign"]
    measured = {f"strong_{name}": values[row] for name, values in strong.items()}
    measured["strong"] = best(readings) if all(value == value for value in readings) else readings[0]
    if weak is not None:
        measured |= {"weak": weak["raw"][row]} | {
            f"weak_{name}": values[row] for name, values in weak.items() if name not in ("raw", "scaled")
        }
    return {
        **measured,
        "ticket": float(score(population.task, target(data.test.images.double()), data.test.labels)),
        **trivial(population.task, data),
        **population.anatomy(row),
        **{
            name: [round[name][row] for round in population.overlap]
            for name in ("recall", "precision", "chance", "kept")
        },
        "iterations": population.searches[row].steps,
        "accuracy_step": 100 / len(data.test.images) if population.task == "circle" else 0.0,
    }
