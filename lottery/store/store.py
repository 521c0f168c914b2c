"""The store: everything computed, kept under a name made of its content.

One file an entry, numpy's npz without pickle; its checksums find damage. It is written under a name of its writer's own
and renamed, so that it is there whole or not at all; fields and shapes are checked when it is read. Locks are the
operating system's and end with the process that held them.
"""

import functools
import io
import json
import os
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
from filelock import FileLock, Timeout

from lottery.core.errors import CorruptEntry, LotteryError, StoreWarning
from lottery.core.paths import cache_folder

FORMAT = 1
ANOTHER = "choose another with --store or LOTTERY_STORE"


@dataclass(frozen=True)
class Record:
    """What became of one experiment: plain data, arrays that later experiments need, and where and when it was made."""

    measurements: dict[str, object]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict)


def store_folder(option: str | None) -> Path:
    """Return the store's folder: the option, else LOTTERY_STORE, else the user's cache."""
    return Path(option or os.environ.get("LOTTERY_STORE") or cache_folder() / "store")


def _scan(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """Return the files of a folder, of which there are none where there is no folder."""
    try:
        return list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


@functools.lru_cache(maxsize=1024)
def _header(header: bytes) -> tuple[tuple[int, ...], str, np.dtype]:
    """Return shape, order and type in the header of an npy file. There are few different ones in thousands of files."""
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(header))
    return shape, "F" if by_columns else "C", dtype


def _array(content: bytes) -> np.ndarray:
    """Return the array in the bytes of an npy file as numpy writes it: several times as fast as numpy's own reader."""
    if content[:8] != np.lib.format.magic(1, 0):
        raise ValueError("an array in it has no header of numpy's format 1.0")
    start = 10 + int.from_bytes(content[8:10], "little")
    shape, order, dtype = _header(content[8:start])
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order=order).copy(order)  # type: ignore[call-overload]


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, list]:
    """Return type and shape of every array, as an entry states them."""
    return {name: [str(array.dtype), *array.shape] for name, array in arrays.items()}


class Store:
    """Entries by key, in a folder that any number of processes share."""

    def __init__(self, folder: Path):
        self.folder = folder

    def _path(self, key: str) -> Path:
        return self.folder / "entries" / key[:2] / f"{key}.npz"

    def has(self, key: str) -> bool:
        """Return whether there is an entry, sound or not."""
        return self._path(key).exists()

    def keys(self) -> set[str]:
        """Return the names of all entries, sound or not: much faster than asking for each of many."""
        return {
            path.name.removesuffix(".npz")
            for folder in _scan(self.folder / "entries")
            for path in _scan(folder)
            if path.name.endswith(".npz")
        }

    def read(self, key: str) -> Record:
        """Return the entry, its checksums, fields and shapes checked; raise CorruptEntry if it is damaged."""
        where = f"the store's entry {(path := self._path(key))}"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CorruptEntry(f"{where} cannot be read ({error})") from error
        return self._parse(key, content, where)

    @staticmethod
    def _parse(key: str, content: bytes, where: str) -> Record:
        """Return the record in an entry's bytes; raise CorruptEntry if they are damaged or another entry's."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                arrays = {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
            head = json.loads(arrays.pop("entry").tobytes())
            if head["format"] != FORMAT:
                raise ValueError(
                    f"it has format {head['format']}, of another version of this suite, which reads {FORMAT}"
                )
            if head["key"] != key or head["arrays"] not in (_shapes(arrays), sorted(arrays)):  # once it was names alone
                raise ValueError(f"it is {head['key']} with arrays {_shapes(arrays)}")
            if not isinstance(head["measurements"], dict) or not isinstance(head["made"], dict):
                raise ValueError("its fields are no tables")
            return Record(head["measurements"], arrays, head["made"])
        except (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise CorruptEntry(f"{where} cannot be read ({error})") from error

    def read_or_set_aside(self, key: str) -> Record | None:
        """Return the entry, or None if there is none; a damaged one is moved to `corrupt/`, with a warning."""
        if not self.has(key):
            return None
        try:
            return self.read(key)
        except CorruptEntry as error:
            if not self.has(key):  # another process was first
                return None
            aside = self.folder / "corrupt" / f"{key}.npz"
            try:
                aside.parent.mkdir(exist_ok=True)
                os.replace(self._path(key), aside)
            except OSError as refused:
                raise LotteryError(f"{error}, and cannot be set aside ({refused}); remove it and run again") from None
            warnings.warn(f"{error}; it was set aside as {aside} and is computed again", StoreWarning, stacklevel=2)
            return None

    def write(self, key: str, entry: Record) -> None:
        """Keep an entry; it is there whole for all processes once this returns."""
        head = {"format": FORMAT, "key": key, "measurements": entry.measurements, "made": entry.made}
        text = json.dumps(head | {"arrays": _shapes(entry.arrays)}).encode()
        buffer, path = io.BytesIO(), self._path(key)
        np.savez(buffer, entry=np.frombuffer(text, np.uint8), **entry.arrays)  # type: ignore[arg-type]  # of its stub
        temporary = path.with_name(f"{path.name}.{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(buffer.getbuffer())
            os.replace(temporary, path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise LotteryError(f"the store {self.folder} cannot be written ({error}); {ANOTHER}") from error

    def sizes(self) -> dict[str, int]:
        """Return the size of every entry in bytes, by key."""
        return {path.stem: path.stat().st_size for path in sorted((self.folder / "entries").glob("*/*.npz"))}

    def export(self, file: Path) -> int:
        """Write all entries into one tar file, and return how many."""
        keys = list(self.sizes())
        temporary = file.with_name(f"{file.name}.part")
        with tarfile.open(temporary, "w") as archive:
            for key in keys:
                archive.add(self._path(key), f"{key}.npz")
        os.replace(temporary, file)
        return len(keys)

    def take(self, file: Path) -> tuple[int, int]:
        """Add the entries of a file that `export` wrote; return how many were new and how many were here already.

        An entry is moved in once it was read back whole; one that was damaged on the way is refused with its name.
        """
        new = known = 0
        with tarfile.open(file) as archive:
            for member in archive:
                key = member.name.removesuffix(".npz")
                if not re.fullmatch(r"[0-9a-f]{32}\.npz", member.name) or not member.isfile():
                    raise LotteryError(f"{file} holds {member.name!r}, which is no entry of a store, and is not taken")
                if self.has(key):
                    known += 1
                elif content := archive.extractfile(member):
                    self.write(key, self._parse(key, content.read(), f"{file}, entry {key}"))
                    new += 1
        return new, known

    def check_writable(self) -> None:
        """Raise if nothing can be written here."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".probe.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except OSError as error:
            missing = "and something is still to be computed"
            raise LotteryError(f"the store {self.folder} cannot be written ({error}), {missing}; {ANOTHER}") from error

    @contextmanager
    def acquire(self, keys: Iterable[str], at_most: int) -> Iterator[list[str]]:
        """Yield up to `at_most` of the keys, locked for this process: not there, and nowhere being computed."""
        locks: dict[str, FileLock] = {}
        try:
            for key in keys:
                lock = FileLock(self.folder / "locks" / f"{key}.lock")
                try:
                    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
                    lock.acquire(blocking=False)
                except Timeout:
                    continue
                except (OSError, NotImplementedError) as error:
                    raise LotteryError(f"the store {self.folder} cannot be locked ({error}); {ANOTHER}") from error
                if self.has(key):  # finished while we looked
                    self._release(key, lock)
                else:
                    locks[key] = lock
                if len(locks) == at_most:
                    break
            yield list(locks)
        finally:
            for key, lock in locks.items():
                self._release(key, lock)

    def _release(self, key: str, lock: FileLock) -> None:
        # A lock file of a finished entry may go: whoever still waits for it looks for the entry first.
        if self.has(key):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
