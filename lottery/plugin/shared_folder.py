"""The folder that all processes of a run share: what they leave there for each other, whole or not at all."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from lottery.core.paths import write_whole

PREFIX, OWNER = "lottery-run-", ".owner"
FORGOTTEN = 24 * 60 * 60  # seconds after which a folder without an owner's lock is nobody's
MADE = 60  # seconds in which an owner has locked what he made


class SharedFolder:
    """A folder of the system's temporary ones. Who owns a run makes it and takes it away; workers are told its path."""

    def __init__(self, path: str | None = None):
        self.path = Path(path) if path else Path(tempfile.gettempdir()) / f"{PREFIX}{uuid4().hex}"
        self.owned = not path
        self.unreadable = 0  # files that could not be read back
        self._lock: Any = None

    def own(self) -> None:
        """Make the folder, mark it as one whose owner lives, and take away those whose owners were killed."""
        if self.owned and self._lock is None:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self._lock = _acquired(self.path / OWNER)
            _clean(self.path.parent)

    def remove(self) -> None:
        """Take the folder away."""
        if self._lock is not None:
            self._lock.release()
        rmtree(self.path, ignore_errors=True)

    def place(self, kind: str) -> Path:
        """Return the folder for what is of a kind."""
        self.own()
        self.path.mkdir(mode=0o700, exist_ok=True)
        (self.path / kind).mkdir(exist_ok=True)
        return self.path / kind

    def leave(self, kind: str, name: str, value: Any) -> None:
        """Leave plain data of a kind under a name."""
        write_whole(self.place(kind) / f"{name}.json", json.dumps(value, allow_nan=False))

    def found(self, kind: str) -> list[Any]:
        """Return all that was left of a kind, in the order of names."""
        return [value for _, value in self.named(kind)]

    def named(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield all that was left of a kind, with names; what cannot be read back is counted."""
        for file in sorted((self.path / kind).glob("*.json")):
            try:
                yield file.stem, json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                self.unreadable += 1


def _acquired(file: Path) -> Any:
    """Return a lock that is held until this process ends; None where it is another process's, or none can be had."""
    from filelock import FileLock, Timeout

    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError, NotImplementedError):
        return None
    return lock


def _clean(parent: Path) -> None:
    """Remove the folders of runs whose owners were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if os.path.islink(folder) or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
                continue
            age = time.time() - folder.stat().st_mtime
            if not (folder / OWNER).exists():
                if age > FORGOTTEN:
                    rmtree(folder, ignore_errors=True)
            elif age > MADE and (lock := _acquired(folder / OWNER)):
                lock.release()
                rmtree(folder, ignore_errors=True)
