"""The loop's parts: schedules, learning rates on the device, annealing, observers, data of a replica's own."""

import copy
import dataclasses

import pytest
import torch

from lottery.data.datasets import Dataset, Part
from lottery.models.architectures import network
from lottery.models.denormals import flushed
from lottery.models.model import model_of
from lottery.models.perceptrons import Perceptrons
from lottery.training.config import Config
from lottery.training.fit import fit
from lottery.training.learned_masks import TopK
from lottery.training.observers import Accuracies, EarlyStop, Observer, Progress
from lottery.training.optimiser import Descent
from lottery.training.parametrisation import Identity
from lottery.training.schedules import CONSTANT, COSINE, Schedule
from lottery.training.step import Step
from tests.conftest import SMALL, replica
from tests.training_helpers import train

BRIEF = Config("adam", 1e-2, 20, 60, 25)


class TestSchedules:
    def test_forms(self):
        """Constant, by milestones, and half a cosine from interval to interval."""
        assert [CONSTANT.factor(i, 100, 10) for i in (1, 50, 100)] == [1, 1, 1]
        steps = Schedule("steps", milestones=(20, 30))
        assert [steps.factor(i, 100, 10) for i in (20, 21, 30, 31)] == pytest.approx([1, 0.1, 0.1, 0.01])
        assert COSINE.factor(1, 100, 10) == COSINE.factor(10, 100, 10) == 1
        assert COSINE.factor(51, 100, 10) == pytest.approx(0.5, abs=1e-7)
        assert COSINE.factor(41, 100, 10) == (1 + torch.cos(torch.tensor(torch.pi * 40 / 100)).item()) / 2

    def test_warm_up_rises_linearly(self):
        """From one part in `warm_up` to the whole rate, beneath every form."""
        rising = Schedule(warm_up=4)
        assert [rising.factor(i, 100, 10) for i in (1, 2, 3, 4, 5)] == [0.25, 0.5, 0.75, 1, 1]
        assert Schedule("cosine", warm_up=100).factor(51, 100, 10) == pytest.approx(0.51 * 0.5, abs=1e-6)

    def test_unknown_form(self):
        with pytest.raises(ValueError, match="schedule 'linear' is not one of constant, steps, cosine"):
            Schedule("linear")

    def test_training_follows(self, digits):
        """A rate that drops by a factor after ten steps is one training at the one rate and then at the other."""
        halved = Config("sgd", 0.1, 20, 11, 11, schedule=Schedule("steps", milestones=(10,), gamma=0.5))
        ten, there = (train(SMALL, digits, config, [replica(SMALL, 0)])[0].final for config in (
            dataclasses.replace(halved, iterations=10), dataclasses.replace(halved, schedule=CONSTANT)))  # fmt: skip
        ours = train(SMALL, digits, halved, [replica(SMALL, 0)])[0].final
        torch.testing.assert_close(ours - ten, (there - ten) / 2, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_rates_on_the_device_are_the_rates(optimiser):
    """Rates held in tensors, as a captured step reads them, move parameters alike to rounding, and keep a schedule."""
    generator = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(3, 64, generator=generator), torch.randn(9, 3, 64, generator=generator)
    blocks = [start.clone(), start.clone()]
    for block, on_device in zip(blocks, (False, True)):
        gradient = torch.zeros_like(block)
        descent = Descent(block, gradient, None, Config(optimiser, 1e-2, 20, 9, 9, momentum=0.9), [1e-2, 1e-2, 3e-3])
        if on_device:
            descent.keep_rates_on_device()
        for place, of_step in enumerate(gradients):
            descent.follow(1 - place / 10)
            gradient.copy_(of_step)
            descent.step()
    torch.testing.assert_close(*blocks, rtol=1e-5, atol=1e-7)
    assert not torch.equal(blocks[0], start)


class Noted(Observer):
    def __init__(self):
        self.seen = []

    def begin(self, state):
        self.seen.append("begin")

    def look(self, state, iteration):
        self.seen.append(iteration)

    def end(self, state):
        self.seen.append("end")

    def measurements(self, row):
        return {"noted": row}


def test_observers_look_in_order_and_add_up(digits):
    """At the beginning, at every interval, at the end; their measurements are one dictionary, in their order."""
    noted, told, stop = Noted(), [], EarlyStop()
    replicas = [replica(SMALL, seed) for seed in range(2)]
    observers = [noted, Accuracies(stop), stop, Progress(told.append)]
    outcomes = fit(model_of(network(SMALL)), Identity, digits, BRIEF, replicas, observers)
    assert noted.seen == ["begin", 25, 50, 60, "end"] and told == [25, 50, 60]
    assert [outcome.measurements.pop("noted") for outcome in outcomes] == [0, 1]
    for ours, theirs in zip(outcomes, train(SMALL, digits, BRIEF, replicas)):
        assert ours.measurements == theirs.measurements and list(ours.measurements) == list(theirs.measurements)
        assert torch.equal(ours.final, theirs.final)
    assert {"test_accuracy_start", "train_accuracy_end", "censored", "accuracy_step"} <= set(outcomes[0].measurements)


def test_watching_changes_nothing(digits):
    """A training without observers ends at the same parameters."""
    watched = train(SMALL, digits, BRIEF, [replica(SMALL, 0)])[0]
    assert torch.equal(
        fit(model_of(network(SMALL)), Identity, digits, BRIEF, [replica(SMALL, 0)])[0].final, watched.final
    )


def test_replicas_can_have_data_of_their_own(digits):
    """Each trains on, and is measured on, its own data set, as if alone with it."""
    turned = Dataset(
        "turned", *(Part(1 - part.images, part.labels) for part in (digits.train, digits.validation, digits.test)), ""
    )
    replicas = [replica(SMALL, seed) for seed in range(3)]
    stop = EarlyStop()
    own = [digits, turned, digits]
    outcomes = fit(model_of(network(SMALL)), Identity, own, BRIEF, replicas, [Accuracies(stop), stop])
    for one, data, ours in zip(replicas, own, outcomes):
        alone = train(SMALL, data, BRIEF, [one])[0]
        assert torch.equal(ours.final, alone.final) and ours.measurements == alone.measurements
    assert outcomes[1].measurements != train(SMALL, digits, BRIEF, [replicas[1]])[0].measurements


def test_annealed_masks_shrink_interval_by_interval(digits):
    """An annealed replica keeps share ** fraction in each interval, its neighbour always the share."""
    layout, kept = network(SMALL).layout, []

    class Kept(Observer):
        def look(self, state, iteration):
            kept.append(state.parameters.remaining().tolist())

    def parametrise(start):
        streams = [torch.Generator().manual_seed(seed) for seed in range(2)]
        return TopK(start, layout, streams, [0.25, 0.25], annealed=[True, False])

    config = Config("sgd", 0.1, 20, 100, 25, momentum=0.9)
    fit(model_of(network(SMALL)), parametrise, digits, config, [replica(SMALL, seed) for seed in range(2)], [Kept()])
    shares = [100 * 0.25 ** (place / 4) for place in (1, 2, 3, 4)]
    assert [pair[0] for pair in kept] == pytest.approx(shares, abs=0.1)
    assert [pair[1] for pair in kept] == pytest.approx([25] * 4, abs=0.1)


@pytest.mark.parametrize("iterations", [60, 75, 80, 99])
def test_annealing_ends_at_the_share_and_not_beyond(monkeypatch, digits, iterations):
    """A last interval that is cut short is not annealed further than the whole training."""
    fractions, sound = [], TopK.anneal
    monkeypatch.setattr(TopK, "anneal", lambda self, fraction: (fractions.append(fraction), sound(self, fraction))[1])

    def parametrise(start):
        return TopK(start, network(SMALL).layout, [torch.Generator().manual_seed(0)], [0.25], annealed=[True])

    train(SMALL, digits, Config("sgd", 0.1, 20, iterations, 25), [replica(SMALL, 0)], parametrise=parametrise)
    wanted = [min(25 * done / iterations, 1) for done in range(1, -(-iterations // 25) + 1)]
    assert fractions == pytest.approx(wanted) and fractions[-1] == 1


def test_censored_is_the_last_tenth():
    """A minimum at 90 of 100 iterations is none at the end, one at 91 is; so is none at all."""
    layout, none = network(SMALL).layout, torch.zeros(1, 0)
    for minimum, censored in ((10, False), (90, False), (91, True), (100, True), (0, True)):
        stop = EarlyStop()
        stop._config = Config("sgd", 0.1, 20, 100, 1)
        stop.start(torch.zeros(1, layout.size), none)
        for iteration in range(1, 101):
            loss = 0.5 if iteration == minimum else 1.0 if minimum else float("nan")
            stop.note(iteration, torch.tensor([loss]), torch.zeros(1), torch.zeros(1, layout.size), none)
        stop.end(None)
        assert (stop.measurements(0)["early_stop_iteration"], stop.measurements(0)["censored"]) == (minimum, censored)


def test_levels_are_of_the_parts_that_they_name(digits):
    """The best constant answer and the smallest step, counted for each part: no two of the digits' parts agree."""
    measured = train(SMALL, digits, BRIEF, [replica(SMALL, 0)])[0].measurements
    sizes = {part: len(getattr(digits, part).labels) for part in ("train", "validation", "test")}
    assert sizes == {"train": 400, "validation": 500, "test": 897}
    for part in ("test", "train"):
        labels = getattr(digits, part).labels.tolist()
        most = max(labels.count(answer) for answer in range(10))
        assert measured[f"{part}_accuracy_constant"] == pytest.approx(100 * most / sizes[part])
    steps = [measured[f"{part}_accuracy_step"] for part in ("train", "validation")]
    assert [*steps, measured["accuracy_step"]] == pytest.approx([100 / 400, 100 / 500, 100 / 897])


def test_buffers_begin_anew_and_are_copied_at_early_stop(digits):
    """Running statistics start anew in every training, and early stop copies them with the parameters."""

    class Counting(Perceptrons):
        def set_gradient(self, parameters, buffers, *others):
            buffers += 1
            super().set_gradient(parameters, buffers, *others)

    layout = copy.copy(network(SMALL).layout)
    layout.initial_buffers = lambda: torch.full((64,), 5.0)
    config = Config("adam", 1e-2, 20, 600, 25, weight_decay=0.1)
    for _ in range(2):
        stop = EarlyStop()
        outcomes = fit(Counting(layout), Identity, digits, config, [replica(SMALL, seed) for seed in range(2)], [stop])
        for row, outcome in enumerate(outcomes):
            assert outcome.buffers.tolist() == [605.0] * 64
            assert stop.buffers[row].tolist() == [5.0 + outcome.measurements["early_stop_iteration"]] * 64


@pytest.mark.parametrize("before", [False, True])
def test_denormals_are_zeros_in_a_training_and_as_before_it(monkeypatch, digits, before):
    """Every step takes denormal numbers for zeros, and whoever trains finds its processor as it left it."""
    seen, run = [], Step._run
    monkeypatch.setattr(Step, "_run", lambda self, index: (seen.append(flushed()), run(self, index)))
    torch.set_flush_denormal(before)
    try:
        train(SMALL, digits, BRIEF, [replica(SMALL, 0)])
        assert len(seen) == BRIEF.iterations and all(seen) and flushed() == before
    finally:
        torch.set_flush_denormal(False)
