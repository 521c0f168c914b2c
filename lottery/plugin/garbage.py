"""When Python looks for garbage: not while modules are imported, and not once more as the process ends.

Importing torch makes half a million objects that live until the end. Each walk over them finds nothing, and the walks
take half a second of every process's start and as much of its end.
"""

import atexit
import functools
import gc


def pause() -> None:
    """Stop until `resume`, and look no more at the end of this process."""
    gc.disable()
    _leave_out_at_exit()


def resume() -> None:
    """Start again."""
    gc.enable()


@functools.cache  # once for each process
def _leave_out_at_exit() -> None:
    atexit.register(gc.freeze)
