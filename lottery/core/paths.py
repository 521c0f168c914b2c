"""Where the suite keeps what it computed and downloaded, and how it writes files that others read."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the suite's folder in the user's cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lottery"


def data_folder() -> Path:
    """Return the folder that data sets are read from and downloaded to: LOTTERY_DATA, or the user's cache."""
    return Path(os.environ.get("LOTTERY_DATA") or cache_folder() / "data")


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, whoever reads it meanwhile."""
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="")
    os.replace(temporary, path)
