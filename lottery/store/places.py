"""Places: where in somebody else's code an error came from, so that a message can say it without a traceback."""

import os
from pathlib import Path
from traceback import walk_tb

from lottery.core.errors import told
from lottery.core.text import printable
from lottery.store.fingerprints import PACKAGE
from lottery.store.sources import is_own


def raised(error: BaseException) -> str:
    """Return that an error was raised, with its place and its message, as words to follow the name of whose code it is.

    The place is the innermost one in a file of the user's own; of an installed function, where that itself went on.
    """
    lines = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    lines = [(code, line) for code, line in lines if os.path.isabs(code.co_filename)]  # not of a text that was run
    found = [one for one in lines if is_own(one[0].co_filename)][-1:]
    if not found:
        found = [one for one in lines if not _is_ours(one[0].co_filename)][:1]
    if not found:
        return f"raised {told(error)}"
    code, line = found[0]
    inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
    return f"raised an error in {printable(_shown(code.co_filename))}, line {line}{inside}: {told(error)}"


def is_of_module(error: BaseException) -> bool:
    """Return whether an error came out of a module's forward pass, in the user's own code or in torch's."""
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    return any(is_own(file) or Path(file).parts[-4:-1] == ("torch", "nn", "modules") for file in files)


def _is_ours(file: str) -> bool:
    """Return whether a file is this package's, torch's or Python's own."""
    path, python = Path(file), Path(os.__file__).parent
    if path.is_relative_to(PACKAGE) or "torch" in path.parts:
        return True
    return path.is_relative_to(python) and "site-packages" not in path.parts


def _shown(file: str) -> str:
    """Return a file as somebody in the current folder would name it."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the folder is gone
        return file
