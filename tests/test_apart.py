"""What is done apart comes back, and what it ends is not us."""

import os
import signal
import sys

import pytest

from lottery.core.apart import Ended, apart
from lottery.core.errors import LotteryError


def test_what_is_returned_comes_back():
    """From a process of its own, where there are any."""
    assert apart(lambda: [1, "two"]) == [1, "two"]
    assert (apart(os.getpid) == os.getpid()) == (sys.platform != "linux")


def test_errors_come_back():
    """With their messages."""

    def fails():
        raise LotteryError("mine.py is wrong")

    with pytest.raises(LotteryError, match="mine.py is wrong"):
        apart(fails)


@pytest.mark.skipif(sys.platform != "linux", reason="no process of its own here")
@pytest.mark.parametrize(
    "ends, how",
    [(lambda: os._exit(0), "status 0"), (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal 9"),
     (lambda: 1 / 0, "status 1")],
)  # fmt: skip
def test_an_end_is_told(ends, how):
    """And what nobody foresaw is an end, too."""
    with pytest.raises(Ended, match=how):
        apart(ends)


def test_torch_is_usable_apart():
    """Also after it has run on several threads here."""
    import torch

    sizes = torch.randn(512, 512)
    here = float((sizes @ sizes).sum())
    assert apart(lambda: float((sizes @ sizes).sum())) == pytest.approx(here, rel=1e-3)
