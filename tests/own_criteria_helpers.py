"""What the tests of users' criteria share: a criterion loaded from source, its key, and its scores of one layer."""

import os
import sys

import torch

from lottery.core.rng import stream
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import key
from lottery.experiments.named_arms import chain
from lottery.masks import criteria, own_criteria
from lottery.training.config import Config, Setting
from tests.conftest import SMALL

SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 60, 20))
W_INIT = torch.tensor([[1.0, -2.0, 3.0, -4.0]])
W_FINAL = torch.tensor([[-5.0, -1.0, 2.0, 0.5]])
OFFERED = dict.fromkeys(criteria.DERIVATIVES, 3 * W_INIT)
MASK = torch.ones(1, 4, dtype=torch.bool)
USES = "from beside import of\ndef score(w_final):\n    return of(w_final)\n"


def loading(tmp_path):
    """Yield a function that loads a criterion from sources and returns a key of its results."""
    loaded, writes = set(), sys.dont_write_bytecode
    sys.dont_write_bytecode = False  # as for most users

    def of(function="score", folder=".", name="mine", **files):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for file, source in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / f"{file}.py").write_bytes(source if isinstance(source, bytes) else source.encode())
            os.utime(place / f"{file}.py", (1e9, 1e9))  # by which a cache of bytecode would take it for unedited
        own_criteria.forget(name)
        loaded.add(own_criteria.load(f"{name}={place / 'mine.py'}:{function}"))
        return key(experiment(SETTING, chain(name), 1, 0), "of the data", "float32")

    yield of
    sys.dont_write_bytecode = writes
    for name in loaded:
        own_criteria.forget(name)


def scored(name="mine", **more):
    """Return the scores of one layer."""
    offered = {"w_init": W_INIT, "w_final": W_FINAL, "mask": MASK, "generator": stream(0, "test"), **OFFERED} | more
    return criteria.score(name, **offered)[0].tolist()
