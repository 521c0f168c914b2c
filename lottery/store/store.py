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
import stat
import tarfile
import time
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from lottery.core.errors import CorruptEntry, LotteryError, StoreWarning, told
from lottery.core.paths import beside, cache_folder, user_path, write_whole
from lottery.core.text import printable

FORMAT = 1
ENTRY = re.compile(r"[0-9a-f]{32}\.npz")
LARGEST = 2**32  # bytes of one entry
END = bytes(1024)  # of a tar file
ABANDONED = 60 * 60  # seconds after which nobody goes on with a file that he began to write
ANOTHER = "choose another with --store or LOTTERY_STORE"


@dataclass(frozen=True)
class Record:
    """What became of one experiment: plain data, arrays that later experiments need, and where and when it was made."""

    measurements: dict[str, object]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict)


def store_folder(option: str | None) -> Path:
    """Return the store's folder: the option, else LOTTERY_STORE, else the user's cache."""
    named = option or os.environ.get("LOTTERY_STORE")
    return user_path(named) if named else cache_folder() / "store"


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


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file; nothing is waited for, whatever stands in its place."""
    with open(path, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if status.st_size > LARGEST:
            raise OSError(f"it has {status.st_size:,} bytes, and an entry has at most {LARGEST:,}")
        return file.read(status.st_size)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Raise unless an entry's members are stored as they are, each once: a packed one can be of any size."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("a member of it is compressed")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("two of its members have one name")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members are larger than it")


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, list]:
    """Return type and shape of every array, as an entry states them."""
    return {name: [str(array.dtype), *array.shape] for name, array in arrays.items()}


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    """Open a file that `export` wrote, and none that is packed or cut short."""
    told = f"{file} is not a tar file as `lottery store export` writes it, or is cut short; nothing was imported"
    with file.open("rb") as content:
        content.seek(0, os.SEEK_END)
        if content.tell() < len(END):
            raise LotteryError(told)
        content.seek(-len(END), os.SEEK_END)
        if content.read() != END:
            raise LotteryError(told)
        content.seek(0)
        try:
            with tarfile.open(fileobj=content, mode="r:") as archive:
                yield archive
        except tarfile.TarError as error:
            raise LotteryError(f"{told} ({error})") from error


@dataclass
class Pruned:
    """How many files were removed from a store, of each kind."""

    damaged: int = 0
    unfinished: int = 0
    locks: int = 0


def _abandoned(file: os.DirEntry[str]) -> bool:
    """Return whether a file is one that its writer had not finished long ago."""
    return not ENTRY.fullmatch(file.name) and time.time() - file.stat(follow_symlinks=False).st_mtime > ABANDONED


def _removed(file: os.DirEntry[str]) -> bool:
    """Return whether a file, or a link, could be removed."""
    try:
        os.unlink(file.path)
    except OSError:
        return False
    return True


def _removed_lock(file: os.DirEntry[str]) -> bool:
    """Return whether a lock that nobody holds could be removed."""
    lock = FileLock(file.path)
    with suppress(Timeout, OSError, NotImplementedError):
        lock.acquire(blocking=False)
        try:
            return _removed(file)
        finally:
            lock.release()
    return False


def check_locks(file: int) -> None:
    """Raise OSError where the file system of an open file has no locks, as some that are shared over a network.

    filelock would take files that exist for locks there, which a process that is killed leaves for ever.
    """
    try:
        import fcntl
    except ImportError:  # Windows, whose files can always be locked
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OSError(error.errno, "files there cannot be locked, which runs that share a store need") from None


class Store:
    """Entries by key, in a folder that any number of processes share."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._entries = str(folder / "entries")

    def _path(self, key: str) -> Path:
        return self.folder / "entries" / key[:2] / f"{key}.npz"

    def has(self, key: str) -> bool:
        """Return whether there is an entry, sound or not: a regular file in its place."""
        return os.path.isfile(f"{self._entries}/{key[:2]}/{key}.npz")  # not where that cannot be a path, either

    def keys(self) -> set[str]:
        """Return the names of all entries, sound or not: much faster than asking for each of many."""
        return {
            file.name.removesuffix(".npz")
            for folder in _scan(self.folder / "entries")
            for file in _scan(folder)
            if ENTRY.fullmatch(file.name) and file.name[:2] == folder.name and file.is_file()
        }

    def read(self, key: str) -> Record:
        """Return the entry, its checksums, fields and shapes checked; raise CorruptEntry if it is damaged."""
        where = f"the store's entry {(path := self._path(key))}"
        try:
            content = _content(path)
        except OSError as error:
            raise CorruptEntry(f"{where} cannot be read ({error})") from error
        return self._parse(key, content, where)

    @staticmethod
    def _parse(key: str, content: bytes, where: str) -> Record:
        """Return the record in an entry's bytes; raise CorruptEntry if they are damaged or another entry's."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                _check_members(archive, len(content))
                arrays = {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
            head = json.loads(arrays.pop("entry").tobytes())
            if head["format"] != FORMAT:
                raise ValueError(
                    f"it has format {head['format']}, of another version of this suite, which reads {FORMAT}"
                )
            if head["key"] != key or head["arrays"] not in (_shapes(arrays), sorted(arrays)):  # once it was names alone
                raise ValueError(f"it is {head['key']} with arrays {_shapes(arrays)}")
            if not isinstance(head["measurements"], dict) or not isinstance(head["made"], dict):
                raise ValueError("its fields are not tables")
            return Record(head["measurements"], arrays, head["made"])
        except Exception as error:  # whatever readers raise of a file that may hold anything
            raise CorruptEntry(f"{where} cannot be read ({told(error)})") from error

    def read_or_set_aside(self, key: str) -> Record | None:
        """Return the entry, or None if there is none; a damaged one is moved to `corrupt/`, with a warning."""
        if not self.has(key):
            if os.path.lexists(self._path(key)):
                self.set_aside(key, f"the store's entry {self._path(key)} is no file")
            return None
        try:
            return self.read(key)
        except CorruptEntry as error:
            if self.has(key):  # no other process was first
                self.set_aside(key, str(error))
            return None

    def set_aside(self, key: str, why: str) -> None:
        """Move what stands in an entry's place to `corrupt/`, with a warning that says why; raise if that fails."""
        aside = self.folder / "corrupt" / f"{key}.npz"
        try:
            aside.parent.mkdir(exist_ok=True)
            if os.path.lexists(aside):
                aside = beside(aside)
            os.replace(self._path(key), aside)
        except FileNotFoundError:  # another process was first
            return
        except OSError as refused:
            raise LotteryError(f"{why}, and cannot be set aside ({refused}); remove it and run again") from None
        warnings.warn(f"{why}; it was set aside as {aside} and is computed again", StoreWarning, stacklevel=3)

    def write(self, key: str, entry: Record) -> None:
        """Keep an entry; it is there whole for all processes once this returns."""
        head = {"format": FORMAT, "key": key, "measurements": entry.measurements, "made": entry.made}
        text = json.dumps(head | {"arrays": _shapes(entry.arrays)}).encode()
        buffer, path = io.BytesIO(), self._path(key)
        np.savez(buffer, entry=np.frombuffer(text, np.uint8), **entry.arrays)  # type: ignore[arg-type]  # of its stub
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() and not path.is_symlink():
                self.set_aside(key, f"the store's entry {path} is a folder")
            write_whole(path, buffer.getvalue())
        except OSError as error:
            raise LotteryError(f"the store {self.folder} cannot be written ({error}); {ANOTHER}") from error

    def sizes(self) -> dict[str, int]:
        """Return the size of every entry in bytes, by key."""
        return {key: self._path(key).stat().st_size for key in sorted(self.keys())}

    def export(self, file: Path) -> int:
        """Write all sound entries into one tar file, and return how many; raise if it cannot be a new regular file."""
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
            raise LotteryError(f"{file} is not a regular file, so that nothing is written there; name another")
        keys, temporary = sorted(self.keys()), beside(file)
        try:
            with temporary.open("xb") as written, tarfile.open(fileobj=written, mode="w") as archive:
                for key in keys:
                    archive.add(self._path(key).resolve(), f"{key}.npz")
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        return len(keys)

    def take(self, file: Path) -> tuple[int, int]:
        """Add the entries of a file that `export` wrote; return how many were new and how many were here already.

        All of the file is checked before anything of it is taken. A sound entry replaces one here that is damaged.
        """
        new = []
        with _opened(file) as archive:
            members = self._members(file, archive)
            for key, member in members.items():
                self._packed(file, archive, member)
                if not self._sound(key):
                    new.append(key)
            for key in new:
                self.write(key, self._packed(file, archive, members[key]))
        return len(new), len(members) - len(new)

    @staticmethod
    def _members(file: Path, archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
        """Return the members of an exported file by key; raise if it holds anything else."""
        members: dict[str, tarfile.TarInfo] = {}
        for member in archive:
            key = member.name.removesuffix(".npz")
            wrong = not ENTRY.fullmatch(member.name) or not member.isreg() or member.size > LARGEST
            if wrong or key in members:
                told = printable(member.name)
                raise LotteryError(f"{file} holds {told!r:.200}, which is not a store entry; nothing was imported")
            members[key] = member
        return members

    def _packed(self, file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Record:
        """Return the entry in a member of an exported file; raise if it is not sound."""
        key = member.name.removesuffix(".npz")
        content = archive.extractfile(member)
        try:
            return self._parse(key, content.read() if content else b"", f"{file}, entry {key}")
        except CorruptEntry as error:
            raise LotteryError(f"{error}; nothing was imported") from error

    def _sound(self, key: str) -> bool:
        """Return whether a sound entry is here."""
        try:
            self.read(key)
        except CorruptEntry:
            return False
        return True

    def prune(self) -> Pruned:
        """Return what was removed: entries set aside, what writers that were killed left, locks that nobody holds."""
        removed = Pruned()
        for file in _scan(self.folder / "corrupt"):
            removed.damaged += _removed(file)
        for folder in _scan(self.folder / "entries"):
            removed.unfinished += sum(_removed(file) for file in _scan(folder) if _abandoned(file))
        removed.locks = sum(map(_removed_lock, _scan(self.folder / "locks")))
        return removed

    def tidy(self) -> None:
        """Remove the locks that processes left which were killed once their entries were written."""
        for file in _scan(self.folder / "locks"):
            if self.has(file.name.removesuffix(".lock")):
                _removed_lock(file)

    def check_writable(self) -> None:
        """Raise if nothing can be written here."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = beside(self.folder / "probe")
            try:
                with probe.open("xb") as file:
                    check_locks(file.fileno())
            finally:
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
        # A lock file of a finished entry may go: whoever still waits for it looks for the entry first. Windows removes
        # no file that is open, so there it goes afterwards, unless somebody else has taken it.
        done = self.has(key)
        if done and os.name != "nt":
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        if done and os.name == "nt":
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)
