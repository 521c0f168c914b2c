"""Work done apart: what somebody else's code may end is done by a process that nobody misses."""

import multiprocessing
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from lottery.core.errors import LotteryError

Result = TypeVar("Result")


class Ended(LotteryError):
    """The process that did the work ended before it was done."""


def apart(work: Callable[[], Result]) -> Result:
    """Return what `work` returns in a copy of this process, or raise the `LotteryError` that it raises there.

    `Ended` says that the copy came to its end before that. Where processes cannot be copied safely, this one does it.
    """
    if sys.platform != "linux":
        return work()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(work, sender))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads in this process, which the copy does without
        process.start()
    sender.close()
    try:
        done, value = receiver.recv()
    except EOFError:
        process.join()
        status = process.exitcode or 0
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise Ended(f"its process ended ({how})") from None
    finally:
        receiver.close()
    process.join()
    if done:
        return value
    raise LotteryError(value)


def _answer(work: Callable[[], Any], sender: Connection) -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(
            1
        )  # threads of the process that was copied are not in the copy, which would wait for them
    try:
        answer: tuple[bool, Any] = True, work()
    except LotteryError as error:
        answer = False, str(error)
    sender.send(answer)
