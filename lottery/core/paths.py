"""Where the suite keeps what it computed and downloaded, and how it writes files that others read."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from lottery.core.errors import LotteryError

HOMELESS = (
    "this user has no home folder (HOME is not set): set LOTTERY_STORE to a folder for what is computed and "
    "LOTTERY_DATA to one for data, or give --store"
)


def user_path(text: str | Path) -> Path:
    """Return a path that a user wrote, `~` being the user's home; raise where there is none."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise LotteryError(f"{text}: {error}; write the folder in full") from None


def from_here(path: Path) -> Path:
    """Return a path as a message names it, so that it can be opened: from the current folder if it lies in that."""
    whole, here = Path(os.path.abspath(path)), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def cache_folder() -> Path:
    """Return the suite's folder in the user's cache directory; raise where the user has no home."""
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return user_path(cache) / "lottery"
    try:
        return Path.home() / ".cache" / "lottery"
    except RuntimeError:
        raise LotteryError(HOMELESS) from None


def data_folder() -> Path:
    """Return the folder that data sets are read from and downloaded to: LOTTERY_DATA, or the user's cache."""
    named = os.environ.get("LOTTERY_DATA")
    return user_path(named) if named else cache_folder() / "data"


def beside(path: Path) -> Path:
    """Return a hidden name of this writer's own beside a path, which nobody can guess or have taken."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there whole or not at all, whoever reads or writes it meanwhile."""
    temporary = beside(path)
    try:
        with temporary.open("xb") as file:  # never through a link that is there already
            file.write(content.encode() if isinstance(content, str) else content)
        _replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _replace(temporary: Path, path: Path) -> None:
    """Give a file its name. Windows refuses that while somebody reads the file that has it, which takes a moment."""
    for _ in range(100 if os.name == "nt" else 0):
        with suppress(PermissionError):
            os.replace(temporary, path)
            return
        time.sleep(0.01)
    os.replace(temporary, path)


def write_folder(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Return a new folder that holds these files, all of them or, where that fails, none.

    It has the path's name, with a number behind it where that is taken.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    try:
        temporary.mkdir()
        for name, content in files.items():
            write_whole(temporary / name, content)
        place, number = path, 1
        while place.exists() or not _moved(temporary, place):
            number += 1
            place = path.with_name(f"{path.name}-{number}")
        return place
    except OSError:
        rmtree(temporary, ignore_errors=True)
        raise


def _moved(folder: Path, place: Path) -> bool:
    """Return whether a folder could be moved to a place; not where another one came to be there meanwhile."""
    try:
        os.rename(folder, place)
    except OSError:
        if not place.exists():
            raise
        return False
    return True
