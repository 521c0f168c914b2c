"""Errors that are meant to be read by the person who runs the suite."""


class LotteryError(Exception):
    """Something outside the suite is wrong: an option, a file, the data, the store, the device.

    The message says what is wrong, where, and what to do about it. The plugin prints it alone, without a traceback.
    """


class CorruptEntry(LotteryError):
    """A file of the store cannot be read back. It is set aside and its content computed again."""


class StoreWarning(UserWarning):
    """Something in the store was not as it should be, and was repaired."""
