"""The checkout that this package is in, if it is in one: its commit, and which files differ from that."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commit() -> str:
    """Return the commit of the checkout, with a + where files differ from it, or nothing where there is none."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return head and head + "+" * bool(edited())


def edited(*folders: str) -> list[str]:
    """Return the files, all or those in these folders, that differ from the commit; none where there is no checkout."""
    told = _git("status", "--porcelain", "--untracked-files=no", "--", *folders)
    return [line[2:].strip() for line in told.splitlines()]


def _git(*words: str) -> str:
    """Return what git says; nothing where there is no checkout, no git, or it is no repository of this user's."""
    if not (ROOT / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip("\n")
