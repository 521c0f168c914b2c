"""Errors that are meant to be read by the person who runs the suite."""

from lottery.core.text import printable


class LotteryError(Exception):
    """Something outside the suite is wrong: an option, a file, the data, the store, the device.

    The message says what is wrong, where, and what to do about it. The plugin prints it alone, without a traceback.
    """


class CorruptEntry(LotteryError):
    """A file of the store cannot be read back. It is set aside and its content computed again."""


class DeviceFailure(LotteryError):
    """A GPU failed in a way that this process cannot recover from: it has to end, another one may do better."""


class SuiteWarning(UserWarning):
    """Something that whoever reads the results should know; the plugin prints it below the table."""


class StoreWarning(SuiteWarning):
    """Something in the store was not as it should be, and was repaired."""


class DeviceWarning(SuiteWarning):
    """A device was not used that could have been meant."""


def told(error: BaseException) -> str:
    """Return what somebody else's code raised, in one line: the error's class and the first line of its message."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # a message that cannot be made is no reason to end anything
        lines = []
    return printable(f"{type(error).__name__}: {lines[0]:.300}" if lines else type(error).__name__)
