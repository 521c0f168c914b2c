"""Soundness: a record that is whole and none of its experiment is set aside, computed again, and never breaks a run."""

import dataclasses
import warnings

import numpy as np
import pytest

from lottery.core.errors import StoreWarning
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, learned, untrained
from lottery.experiments.soundness import unsound
from lottery.experiments.worker import Worker
from lottery.store.store import Record, Store
from tests.test_worker import SETTING

TICKET = experiment(SETTING, chain("large_final"), 2, 0)
DENSE = experiment(SETTING, chain("large_final"), 0, 0)
MASK = experiment(SETTING, untrained("large_final"), 0, 0)
LEARNED = experiment(SETTING, learned(), 0, 0)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A store with all of these, and the worker that made it."""
    worker = Worker(Store(tmp_path_factory.mktemp("sound")), "cpu", "float32")
    worker.work([TICKET, DENSE, MASK, LEARNED])
    assert not worker.failed
    return worker


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


HARM = {
    "no seconds": lambda of: dataclasses.replace(of, made=without(of.made, "seconds")),
    "negative seconds": lambda of: dataclasses.replace(of, made=of.made | {"seconds": -1.0}),
    "endless seconds": lambda of: dataclasses.replace(of, made=of.made | {"seconds": float("inf")}),
    "a device that is a list": lambda of: dataclasses.replace(of, made=of.made | {"device": ["cpu"]}),
    "nothing made": lambda of: dataclasses.replace(of, made={}),
    "nothing measured": lambda of: dataclasses.replace(of, measurements={}),
    "iterations in a list": lambda of: dataclasses.replace(of, measurements=of.measurements | {"iterations": [26]}),
    "a word": lambda of: dataclasses.replace(of, measurements=of.measurements | {"test_accuracy_end": "high"}),
    "nothing": lambda of: dataclasses.replace(of, measurements=of.measurements | {"test_accuracy_end": None}),
    "one measurement less": lambda of: dataclasses.replace(
        of, measurements=without(of.measurements, "test_accuracy_end")
    ),
    "a short curve": lambda of: dataclasses.replace(of, measurements=of.measurements | {"validation_loss": [1.0]}),
    "no curve": lambda of: dataclasses.replace(of, measurements=of.measurements | {"validation_loss": 1.0}),
    "no array": lambda of: dataclasses.replace(of, arrays={}),
    "a short array": lambda of: dataclasses.replace(of, arrays={name: one[:-1] for name, one in of.arrays.items()}),
    "a column": lambda of: dataclasses.replace(of, arrays={name: one[:, None] for name, one in of.arrays.items()}),
    "another type": lambda of: dataclasses.replace(
        of, arrays={name: one.astype(np.float64) for name, one in of.arrays.items()}
    ),
}


@pytest.mark.parametrize("one", [TICKET, DENSE, MASK, LEARNED], ids=lambda one: one.arm.name)
def test_what_was_computed_is_sound(computed, one):
    """Whatever the action."""
    assert unsound(one, computed.store.read(computed.key(one))) == ""


@pytest.mark.parametrize("one", [TICKET, DENSE], ids=["ticket", "dense"])
@pytest.mark.parametrize("harm", HARM)
def test_what_is_forged_is_found(computed, one, harm):
    """Every kind of harm, in a record that has all of it."""
    assert unsound(one, HARM[harm](computed.store.read(computed.key(one))))


@pytest.mark.parametrize("harm", ["iterations in a list", "nothing made"])
def test_other_actions_are_looked_at(computed, harm):
    """Of learned masks and of masks that are evaluated, too."""
    assert unsound(LEARNED, HARM[harm](computed.store.read(computed.key(LEARNED))))
    rungs = computed.store.read(computed.key(MASK))
    assert unsound(MASK, Record(rungs.measurements | {"test_accuracy_start": [1.0]}, made=rungs.made))
    assert unsound(MASK, Record({"test_accuracy_start": 1.0, "accuracy_step": 1.0}, made=rungs.made))


def test_a_forged_entry_is_computed_again(computed, tmp_path):
    """A parent and what is asked for itself; the numbers are those of before."""
    store = Store(tmp_path / "store")
    parent = experiment(SETTING, chain("large_final"), 1, 0)
    for one in (TICKET, DENSE, parent):
        store.write(computed.key(one), computed.store.read(computed.key(one)))
    store.write(computed.key(TICKET), HARM["no seconds"](computed.store.read(computed.key(TICKET))))
    store.write(computed.key(parent), HARM["a short array"](computed.store.read(computed.key(parent))))
    worker = Worker(store, "cpu", "float32")
    with pytest.warns(StoreWarning, match="is no record of .*; it was set aside"):
        worker.work([TICKET])
    assert not worker.failed
    assert worker.entries[TICKET].measurements == computed.entries[TICKET].measurements
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Worker(store, "cpu", "float32").work([TICKET])


def test_a_record_of_ours_that_is_not_sound_is_no_endless_loop(tmp_path, monkeypatch):
    """It fails its experiment with what is wrong."""
    monkeypatch.setattr("lottery.experiments.worker.unsound", lambda one, record: "it is odd")
    worker = Worker(Store(tmp_path / "store"), "cpu", "float32")
    worker.work([DENSE])
    assert "it is odd, which is a fault of this suite" in worker.failed[DENSE]
