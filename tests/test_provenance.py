"""Where a claim's numbers come from: on which devices its arms were computed, and what searches are held against."""

from types import SimpleNamespace

import pytest

from lottery.experiments.arms import DENSE
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, multishot, together
from lottery.experiments.scales import EARLY_STOP, SCALES
from lottery.plugin.provenance import ancestry, devices_mixed, levels

CPU, GPU = "cpu", "NVIDIA T1"


def worker(records):
    """Return a worker that has records of some experiments."""
    return SimpleNamespace(record=records.get)


@pytest.mark.parametrize(
    ("devices", "mixed"),
    [((CPU, CPU, CPU, CPU), False), ((CPU, GPU, CPU, GPU), False), ((CPU, CPU, GPU, CPU), True), ((CPU,), False)],
)
def test_devices_are_mixed_within_a_seed(devices, mixed):
    """Of which a difference is taken; seeds may be computed on different ones, and some are not there."""
    setting = SCALES["tiny"].setting("lenet-300-100", EARLY_STOP)
    asked = [
        experiment(setting, arm, round, seed) for arm, round in ((DENSE, 0), (chain("random"), 1)) for seed in (0, 1)
    ]
    records = {one: SimpleNamespace(made={"device": device}) for one, device in zip(asked, devices)}
    assert devices_mixed(worker(records), asked) == mixed


def test_levels_are_those_of_searches():
    """An experiment that holds searches against the ticket has no scores: those of the searches are told."""
    setting = SCALES["tiny"].setting("planted-circle-5", "planted")
    search = multishot("planted-circle-5", "magnitude", 0.1)
    one, found = (experiment(setting, arm, 0, 0) for arm in (together(search), search))
    scores = {found: {"ticket": 98.0, "constant": 44.0, "affine": 45.0}, one: {"recall": [0.1]}}
    asked = ancestry((one,))
    assert set(asked) == {one, found} and max(part.steps for part in asked) == found.steps > one.steps
    records = {one: SimpleNamespace(measurements=of) for one, of in scores.items()}
    assert levels(worker(records), asked) == {"planted-circle-5": scores[found]}
