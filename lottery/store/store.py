"""The store: everything computed, kept under a name made of its content.

One file an entry, numpy's npz without pickle; its checksums find damage. Written to a temporary name and renamed, so that
an entry is there whole or not at all. Locks are the operating system's and end with the process that held them.
"""

import io
import json
import os
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from lottery.core.errors import CorruptEntry, LotteryError, StoreWarning
from lottery.core.paths import cache_folder

FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What became of one experiment: `measurements` is plain data, `arrays` what later experiments need, `made` says where and when."""

    measurements: dict[str, object]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict)


def store_folder(option: str | None) -> Path:
    """Return the store's folder: the option, else LOTTERY_STORE, else the user's cache."""
    return Path(option or os.environ.get("LOTTERY_STORE") or cache_folder() / "store")


def _scan(folder) -> list[os.DirEntry]:
    """Return what is in a folder; nothing where there is none."""
    try:
        return list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


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
        """Return the entry, all of its checksums checked; raise CorruptEntry if it is damaged."""
        try:
            content = self._path(key).read_bytes()
        except OSError as error:
            raise CorruptEntry(f"the store's entry {self._path(key)} cannot be read ({error})") from error
        return self._parse(key, content, f"the store's entry {self._path(key)}")

    @staticmethod
    def _parse(key: str, content: bytes, where: str) -> Record:
        """Return the record in an entry's bytes; raise CorruptEntry if they are damaged or another entry's."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            head = json.loads(arrays.pop("entry").tobytes())
            if head["format"] != FORMAT:
                raise ValueError(
                    f"it has format {head['format']}, of another version of this suite, which reads {FORMAT}"
                )
            if (head["key"], head["arrays"]) != (key, sorted(arrays)):
                raise ValueError(f"it is {head['key']} with {', '.join(arrays) or 'no arrays'}")
            return Record(head["measurements"], arrays, head["made"])
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise CorruptEntry(f"{where} cannot be read ({error})") from error

    def read_or_set_aside(self, key: str) -> Record | None:
        """Return the entry, or None if there is none; a damaged one is moved to `corrupt/` with a warning and counts as none."""
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
        head = {
            "format": FORMAT,
            "key": key,
            "measurements": entry.measurements,
            "made": entry.made,
            "arrays": sorted(entry.arrays),
        }
        buffer = io.BytesIO()
        np.savez(buffer, entry=np.frombuffer(json.dumps(head).encode(), np.uint8), **entry.arrays)
        path = self._path(key)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(buffer.getbuffer())
            os.replace(temporary, path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise LotteryError(
                f"the store {self.folder} cannot be written ({error}); choose another with --store or LOTTERY_STORE"
            ) from error

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

        A file is only moved in once it was read back whole: an entry that was damaged on the way is refused with its name.
        """
        new = known = 0
        with tarfile.open(file) as archive:
            for member in archive:
                key = member.name.removesuffix(".npz")
                if not re.fullmatch(r"[0-9a-f]{32}\.npz", member.name) or not member.isfile():
                    raise LotteryError(
                        f"{file} holds {member.name!r}, which is no entry of a store; nothing of it was taken"
                    )
                if self.has(key):
                    known += 1
                    continue
                self.write(key, self._parse(key, archive.extractfile(member).read(), f"{file}, entry {key}"))
                new += 1
        return new, known

    def check_writable(self) -> None:
        """Raise if nothing can be written here."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".probe.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise LotteryError(
                f"the store {self.folder} cannot be written ({error}), and something is still to be computed; "
                "choose another with --store or LOTTERY_STORE"
            ) from error

    @contextmanager
    def claim(self, keys: list[str], at_most: int) -> Iterator[list[str]]:
        """Yield up to `at_most` of the keys, locked for this process: neither there yet nor being computed by another process."""
        locks: dict[str, FileLock] = {}
        try:
            for key in keys:
                if len(locks) == at_most:
                    break
                lock = FileLock(self.folder / "locks" / f"{key}.lock")
                try:
                    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
                    lock.acquire(blocking=False)
                except Timeout:
                    continue
                except (OSError, NotImplementedError) as error:
                    raise LotteryError(
                        f"the store {self.folder} cannot be locked ({error}); choose another with --store or LOTTERY_STORE"
                    ) from error
                if self.has(key):  # finished while we looked
                    self._release(key, lock)
                else:
                    locks[key] = lock
            yield list(locks)
        finally:
            for key, lock in locks.items():
                self._release(key, lock)

    def _release(self, key: str, lock: FileLock) -> None:
        # A lock file of a finished entry may go: whoever still waits for it looks for the entry first.
        if self.has(key):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
