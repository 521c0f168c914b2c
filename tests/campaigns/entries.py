"""Entries of a store, damaged at random or forged with sound checksums: found and computed again, or as they were."""

import json
import os
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lottery.experiments.experiment import Experiment, experiment
from lottery.experiments.named_arms import chain, counted, dissected, learned, scores_sought, singleshot, untrained
from lottery.experiments.worker import Worker
from lottery.store.store import Record, Store
from lottery.training.config import Config, Setting
from tests.campaigns.tally import Hung, Tally, within
from tests.conftest import shortened

NET = "planted-circle-5"
IMAGES = Setting("lenet-96-48", "digits", Config("adam", 1e-2, 20, 60, 20))
ARMS = [(chain("large_final"), 2), (untrained("large_final"), 0), (learned(), 0), (dissected("large_final"), 1),
        (counted("large_final"), 1)]  # fmt: skip
ASKED = [experiment(IMAGES, arm, round, 0) for arm, round in ARMS]
ASKED += [experiment(shortened(NET), arm, 0, 0) for arm in (singleshot(NET, "snip", 0.1), scores_sought(NET, 0.1))]
AGAIN = 25  # after so many everything is computed from what is left, and compared


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 8, 64))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def _overwrite(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content))
    content[start : start + chance.randrange(1, 400)] = chance.randbytes(chance.randrange(400))
    path.write_bytes(content)


def _swap(path: Path, chance: random.Random) -> None:
    others = sorted(path.parent.parent.glob("*/*.npz"))
    path.write_bytes(chance.choice(others).read_bytes())


def _no_file(path: Path, chance: random.Random) -> None:
    path.unlink()
    make: Callable[[], object] = chance.choice(
        (
            path.mkdir,
            lambda: os.mkfifo(path),
            lambda: path.symlink_to("/dev/zero"),
            lambda: path.symlink_to(path),
            lambda: path.symlink_to("/nowhere"),
            lambda: path.write_bytes(b""),
        )
    )
    make()


ODD: tuple[Any, ...] = (None, "high", [], {}, [[1.0]], "\ud800", True, [1.0, "x"], {"a": None}, 10**400, -1)
DAMAGE = (_flip, _cut, _overwrite, _swap, _no_file)


def _forge(path: Path, chance: random.Random) -> None:
    """Write an entry whose checksums are right and of which one thing is missing or of another kind."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    head = json.loads(arrays.pop("entry").tobytes())
    where = chance.choice(("made", "measurements", "arrays", "head"))
    if where == "arrays" and arrays:
        name = chance.choice(sorted(arrays))
        array = arrays[name]
        changes = (array[:-1], array[:, None], array.astype(np.float64), array.astype("S1"), np.zeros(0, array.dtype))
        arrays[name] = chance.choice(changes)
        head["arrays"] = {one: [str(of.dtype), *of.shape] for one, of in arrays.items()}
    else:
        table = head if where == "head" else head[where if where == "measurements" else "made"]
        name = chance.choice(sorted(table))
        if chance.random() < 0.4:
            del table[name]
        else:
            number = isinstance(table[name], float)  # another number is not to be told from a measured one
            table[name] = chance.choice(
                [one for one in ODD if type(one) is not type(table[name]) and not (number and one in (True, -1))]
            )
    np.savez(path, entry=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)


def _same(one: Record | None, other: Record) -> bool:
    return one is not None and (
        repr(one.measurements) == repr(other.measurements)
        and one.made == other.made
        and {name: of.tobytes() for name, of in one.arrays.items()}
        == {name: of.tobytes() for name, of in other.arrays.items()}
    )


def _measured(store: Store) -> dict[Experiment, str]:
    worker = Worker(store, "cpu", "float32")
    worker.work(ASKED)
    if worker.failed:
        raise ValueError(f"failed: {next(iter(worker.failed.values()))}")
    return {one: repr(record.measurements) for one, record in worker.entries.items()}


def run(count: int, seed: int) -> Tally:
    """Return what so many damaged and forged entries did, half of each."""
    tally, chance = Tally("damaged or forged entries"), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = Store(Path(folder) / "store")
        first = _measured(store)
        worker = Worker(store, "cpu", "float32")
        sound = {one: store.read(worker.key(one)) for one in ASKED}
        for number in range(count):
            harm = _forge if number % 2 else chance.choice(DAMAGE)
            one, other = chance.sample(ASKED, 2)
            path = store._path(worker.key(one))
            harm(path, chance)
            tally.tried += 1
            story = f"{harm.__name__.strip('_')} {one.name}, number {number}"
            try:
                with within(60):
                    found = worker._stored(one)
                    if found is not None and not _same(found, sound[one]):
                        tally.note("wrong", f"{story}: it was taken")
                    if not _same(worker._stored(other), sound[other]):
                        tally.note("lost", f"{story}: {other.name} went with it")
                    if number % AGAIN == 0 and _measured(store) != first:
                        tally.note("wrong", f"{story}: other numbers came of it")
            except Hung:
                tally.note("hung", story)
            except Exception as error:
                tally.note("wrong", f"{story}: {type(error).__name__}: {error}")
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            store.write(worker.key(one), sound[one])
    return tally
