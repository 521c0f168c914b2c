"""Where the suite keeps what it computed and downloaded, unless it is told otherwise."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the suite's folder in the user's cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lottery"
