"""The store: what was written is read, damage is found and set aside, locks end with their holder."""

import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lottery.core.errors import CorruptEntry, LotteryError
from lottery.store.store import Record, Store, store_folder

KEY = "ab" + "0" * 30
ENTRY = Record({"accuracy": 97.5, "curve": [1.0, 0.5]}, {"masks": np.arange(1000, dtype=np.uint8)}, {"device": "cpu"})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def path(store):
    return store.folder / "entries" / "ab" / f"{KEY}.npz"


def test_what_is_written_is_read(store):
    """Measurements, arrays and circumstances come back; nothing temporary stays."""
    assert not store.has(KEY) and store.read_or_set_aside(KEY) is None
    store.write(KEY, ENTRY)
    entry = Store(store.folder).read(KEY)
    assert entry.measurements == ENTRY.measurements and entry.made == ENTRY.made
    assert np.array_equal(entry.arrays["masks"], ENTRY.arrays["masks"])
    assert [file.name for file in path(store).parent.iterdir()] == [f"{KEY}.npz"]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)
ARRAYS = st.sampled_from([np.uint8, np.bool_, np.int64, np.float32, np.float64]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


@settings(deadline=None, max_examples=60)
@given(
    measurements=st.dictionaries(st.text(max_size=9), PLAIN, max_size=4),
    kept=st.dictionaries(st.sampled_from(["masks", "final", "buffers", "start.0"]), ARRAYS),
)
def test_whatever_is_plain_comes_back(tmp_path_factory, measurements, kept):
    """Any JSON, NaN and infinities included, and arrays of any type and shape, bit for bit."""
    store = Store(tmp_path_factory.mktemp("store"))
    store.write(KEY, Record(measurements, kept))
    entry = store.read(KEY)
    assert repr(entry.measurements) == repr(measurements)  # NaN is not equal to itself
    assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in entry.arrays.items()} == {
        name: (a.dtype, a.shape, a.tobytes()) for name, a in kept.items()
    }


def forged(store, content, **changes):
    """Lay an entry with a sound checksum whose head says something else."""
    head = {"format": 1, "key": KEY, "measurements": {}, "made": {}, "arrays": {"masks": ["uint8", 4]}} | changes
    head = {name: value for name, value in head.items() if value is not ...}
    path(store).parent.mkdir(parents=True)
    np.savez(path(store), entry=np.frombuffer(json.dumps(head).encode(), np.uint8), **content)


MASKS = {"masks": np.zeros(4, np.uint8)}


@pytest.mark.parametrize(
    "content, changes",
    [
        ({}, {}),
        (MASKS | {"more": np.zeros(1)}, {}),
        ({"masks": np.zeros((2, 2), np.uint8)}, {}),
        ({"masks": np.zeros(4, np.int8)}, {}),
        (MASKS, {"measurements": [1]}),
        (MASKS, {"measurements": ...}),
        (MASKS, {"made": None}),
        (MASKS, {"arrays": 3}),
        (MASKS, {"format": ...}),
    ],
)
def test_fields_and_shapes_are_checked(store, content, changes):
    """An array too few or too many, of another shape or type, and a head that is not one, are damage."""
    forged(store, content, **changes)
    with pytest.raises(CorruptEntry, match="cannot be read"):
        store.read(KEY)


@pytest.mark.parametrize("named", [["masks"], {"masks": ["uint8", 4]}])
def test_sound_heads_are_read(store, named):
    """The check above can pass, also for entries that name their arrays without shapes, as they did once."""
    forged(store, MASKS, arrays=named)
    assert store.read(KEY).arrays["masks"].tolist() == [0] * 4


def test_writers_of_one_entry_do_not_meet(store):
    """Threads that write the same entry at once each write a file of their own, and one of them whole stays."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.write(KEY, ENTRY), range(64)))
    assert store.read(KEY).measurements == ENTRY.measurements
    assert [file.name for file in path(store).parent.iterdir()] == [f"{KEY}.npz"]


@pytest.mark.parametrize("harm", ["truncate", "flip", "empty", "other key", "not an archive"])
def test_damage_is_set_aside_with_a_warning(store, harm):
    """However an entry is damaged, it is found, kept aside, and counts as missing."""
    store.write(KEY, ENTRY)
    content = bytearray(path(store).read_bytes())
    if harm == "flip":
        content[content.index(bytes(range(100, 120))) + 5] ^= 1  # a bit of the masks
    elif harm == "other key":
        store.write("ab" + "1" * 30, ENTRY)
        content = (path(store).parent / ("ab" + "1" * 30 + ".npz")).read_bytes()
    path(store).write_bytes(
        {"truncate": content[:-200], "empty": b"", "not an archive": b"x" * 5000}.get(harm, content)
    )
    with pytest.raises(CorruptEntry):
        store.read(KEY)
    with pytest.warns(UserWarning, match="set aside .* and is computed again"):
        assert store.read_or_set_aside(KEY) is None
    assert not store.has(KEY) and (store.folder / "corrupt" / f"{KEY}.npz").exists()
    store.write(KEY, ENTRY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.read_or_set_aside(KEY) is not None


def test_an_entry_of_another_version_is_set_aside(store, monkeypatch):
    """It is named as what it is, and computed again."""
    monkeypatch.setattr("lottery.store.store.FORMAT", 0)
    store.write(KEY, ENTRY)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="format 0, of another version of this suite.* set aside .* computed again"):
        assert store.read_or_set_aside(KEY) is None


def test_a_full_disk_is_one_message_and_loses_nothing(store):
    """What was there stays, what did not fit leaves no trace: a limit on the size of files acts like a full disk."""
    store.write(KEY, ENTRY)
    code = f"""
import resource
import numpy as np
from lottery.core.errors import LotteryError
from lottery.store.store import Record, Store
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    Store(Path({str(store.folder)!r})).write("ab" + "1" * 30, Record({{}}, {{"final": np.zeros(10_000)}}))
except LotteryError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout and "choose another with --store or LOTTERY_STORE" in done.stdout
    assert [file.name for file in path(store).parent.iterdir()] == [f"{KEY}.npz"] and store.read(
        KEY
    ).measurements == ENTRY.measurements


def test_keys_are_the_names_of_all_entries(store):
    """Without those that are still being written; none where there is no store yet."""
    assert store.keys() == set()
    store.write(KEY, ENTRY)
    path(store).with_name(f"{KEY}.npz.123").write_bytes(b"half")
    assert store.keys() == {KEY}


def test_pickles_are_never_loaded(store, tmp_path):
    """An archive that holds a pickle is damage, not code."""
    path(store).parent.mkdir(parents=True)
    np.savez(path(store), entry=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CorruptEntry):
        store.read(KEY)


def test_locks_exclude_each_other_and_what_is_there(store):
    """A key is acquired by one process at a time, never when it is there, and no more than asked for."""
    keys = [f"{index:032x}" for index in range(5)]
    store.write(keys[0], ENTRY)
    other = Store(store.folder)
    with store.acquire(keys, at_most=2) as first, other.acquire(keys, at_most=9) as second:
        assert first == keys[1:3] and second == keys[3:]
        store.write(keys[1], ENTRY)
    with other.acquire(keys, at_most=9) as third:
        assert third == keys[2:]


def test_a_killed_process_leaves_no_lock(store):
    """A process that is killed while it holds a lock does not keep others out."""
    code = f"""
import os, signal
from pathlib import Path
from lottery.store.store import Store
with Store(Path({str(store.folder)!r})).acquire([{KEY!r}], 1) as keys:
    assert keys
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    with store.acquire([KEY], 1) as keys:
        assert keys == [KEY]


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    """The message names the folder and the ways out."""
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "store")
    for attempt in (store.check_writable, lambda: store.write(KEY, ENTRY)):
        with pytest.raises(LotteryError, match="cannot be written .*--store or LOTTERY_STORE"):
            attempt()


def test_folder_from_option_environment_and_cache(monkeypatch, tmp_path):
    """The option wins over LOTTERY_STORE, that over the cache."""
    monkeypatch.setenv("LOTTERY_STORE", "from-environment")
    assert str(store_folder("option")) == "option" and str(store_folder(None)) == "from-environment"
    monkeypatch.delenv("LOTTERY_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store_folder(None) == tmp_path / "lottery" / "store"
    assert os.sep in str(store_folder(None))


NO_FILES = ["fifo", "link to a device", "link to nothing", "folder"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_no_entry(store, what):
    """Nothing is waited for and nothing is read without end: it is set aside, and an entry can be written there."""
    place = path(store)
    place.parent.mkdir(parents=True)
    if what == "fifo":
        os.mkfifo(place)
    elif what == "folder":
        (place / "full").mkdir(parents=True)
    else:
        place.symlink_to("/dev/zero" if what == "link to a device" else "/nowhere/at/all")
    assert not store.has(KEY) and not store.keys() and not store.sizes()
    with pytest.raises(CorruptEntry):
        store.read(KEY)
    with pytest.warns(UserWarning, match="no file; it was set aside"):
        assert store.read_or_set_aside(KEY) is None
    assert os.path.lexists(store.folder / "corrupt" / f"{KEY}.npz") and not os.path.lexists(place)
    store.write(KEY, ENTRY)
    assert store.read(KEY).measurements == ENTRY.measurements


@pytest.mark.parametrize("what", NO_FILES[1:])
def test_an_entry_is_written_over_what_is_no_file(store, what):
    """Also by a writer that never looked; what a link leads to is left alone."""
    target, place = store.folder / "elsewhere", path(store)
    place.parent.mkdir(parents=True)
    target.write_text("precious")
    place.mkdir() if what == "folder" else place.symlink_to(target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store.write(KEY, ENTRY)
    assert store.read(KEY).measurements == ENTRY.measurements and target.read_text() == "precious"


def test_a_path_that_cannot_be_is_one_message():
    """A name that is too long for the system: nothing is there, and nothing can be written."""
    store = Store(Path("a" * 300))
    assert not store.has(KEY) and store.read_or_set_aside(KEY) is None
    with pytest.raises(LotteryError, match="cannot be written .*too long.*choose another"):
        store.check_writable()


def test_entries_in_the_wrong_folder_do_not_count(store):
    """Whatever lists entries and whatever reads one agree on what is there."""
    store.write(KEY, ENTRY)
    (store.folder / "entries" / "zz").mkdir()
    for name in (f"zz/{KEY}.npz", "ab/notes.npz", f"ab/{KEY}.npz.part"):
        (store.folder / "entries" / name).write_bytes(path(store).read_bytes())
    assert store.keys() == {KEY} and list(store.sizes()) == [KEY]


def test_packed_members_are_refused(store):
    """A small file could become any number of gigabytes."""
    path(store).parent.mkdir(parents=True)
    np.savez_compressed(path(store), entry=np.zeros(1), masks=np.zeros(10**6))
    with pytest.raises(CorruptEntry, match="a member of it is compressed"):
        store.read(KEY)


@pytest.mark.skipif(os.name == "nt", reason="Windows can lock files everywhere")
def test_a_file_system_without_locks_is_one_message(store, monkeypatch):
    """Never files that are taken for locks, which nobody would take away."""
    import errno
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(LotteryError, match="files there cannot be locked.*choose another with --store"):
        store.check_writable()
    assert not list(store.folder.iterdir())


def test_locks_of_what_is_there_are_tidied_up(store):
    """Whoever was killed between writing an entry and giving its lock back left it; all other locks stay."""
    store.write(KEY, ENTRY)
    other = "ab" + "1" * 30
    (store.folder / "locks").mkdir()
    for key in (KEY, other):
        (store.folder / "locks" / f"{key}.lock").touch()
    store.tidy()
    assert [file.name for file in (store.folder / "locks").iterdir()] == [f"{other}.lock"]


def test_pruning_keeps_what_is_of_use(store):
    """Entries and locks that are held stay; what was set aside, abandoned or left behind goes."""
    store.write(KEY, ENTRY)
    other, held = "ab" + "1" * 30, "ab" + "2" * 30
    abandoned, fresh = (path(store).parent / f".{name}.npz.0f" for name in ("old", "new"))
    for file in (abandoned, fresh):
        file.write_text("half of an entry")
    os.utime(abandoned, (0, 0))
    store.write(other, ENTRY)
    with pytest.warns(UserWarning):
        store.set_aside(other, "it was odd")
    (store.folder / "locks").mkdir()
    (store.folder / "locks" / f"{other}.lock").touch()
    with store.acquire([held], 1) as acquired:
        removed = store.prune()
        assert acquired == [held] and (store.folder / "locks" / f"{held}.lock").exists()
    assert (removed.damaged, removed.unfinished, removed.locks) == (1, 1, 1)
    assert store.keys() == {KEY} and fresh.exists() and not abandoned.exists()
