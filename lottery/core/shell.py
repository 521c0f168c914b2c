"""The shell that whoever reads a hint types it into: how a word is quoted there, and what a closed pipe looks like."""

import errno
import os
import re
import shlex

PLAIN = re.compile(r"[\w@+=:,./\\~-]+", re.ASCII)  # what neither cmd nor PowerShell takes for anything but letters


def on_windows() -> bool:
    """Return whether this is Windows."""
    return os.name == "nt"


def quote(word: str) -> str:
    """Return a word as a command line of this system has it; on Windows in double quotes, as cmd knows no others."""
    if not on_windows():
        return shlex.quote(word)
    if PLAIN.fullmatch(word):
        return word
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'


def nobody_reads(error: BaseException) -> bool:
    """Return whether an error says that whoever read this output, such as head or more, has enough of it."""
    if isinstance(error, BrokenPipeError) or not isinstance(error, OSError):
        return isinstance(error, BrokenPipeError)
    return on_windows() and error.errno == errno.EINVAL and error.filename is None  # which Windows calls it
