"""Which devices the options choose, on machines with and without GPUs, and who shares them."""

from types import SimpleNamespace

import pytest

from lottery.core import devices as core_devices
from lottery.core.errors import LotteryError
from lottery.plugin import options
from lottery.plugin.options import Devices, devices, precision, workers


@pytest.fixture
def machine(monkeypatch):
    """A function that decides which GPUs there are, and returns the options as a command line gives them."""

    def make(signs, there=(), reason="", device="auto", precision="float32"):
        monkeypatch.setattr(options, "shows_gpu", lambda: signs)
        monkeypatch.setattr(core_devices, "cards", lambda: (list(there), reason))
        given = {"lottery_device": device, "lottery_precision": precision, "lottery_engine": None}
        return SimpleNamespace(getoption=given.__getitem__)

    return make


TWO = ("cuda:0", "cuda:1")


def test_auto(machine):
    """All GPUs that torch can use; else the processor, with a note where there seems to be one."""
    assert devices(machine(True, TWO)) == Devices(["cuda:0", "cuda:1"], False)
    found = devices(machine(True, (), "its driver is too old"))
    assert (
        found.names == ["cpu"] and "there seems to be a GPU, but torch cannot use it (its driver is too" in found.note
    )
    assert devices(machine(False, TWO)) == Devices(["cpu"], False)  # torch is not even asked


def test_by_name(machine):
    """The one or all, and no other; what is not there is refused with the reason."""
    assert devices(machine(True, TWO, device="cuda")) == Devices(["cuda:0", "cuda:1"], True)
    assert devices(machine(False, TWO, device="cuda:1")) == Devices(["cuda:1"], True)
    assert devices(machine(True, TWO, device="cpu")) == Devices(["cpu"], True)
    with pytest.raises(LotteryError, match=r"--device cuda:2: torch .* sees 2 GPUs here; use --device cpu"):
        devices(machine(True, TWO, device="cuda:2"))
    with pytest.raises(LotteryError, match=r"--device cuda: torch .* sees 0 GPUs here .its driver is too old."):
        devices(machine(True, (), "its driver is too old", device="cuda"))


@pytest.mark.parametrize("name", ["mps", "xpu", "mps:0"])
def test_nvidia_only(machine, name):
    """Other makers' GPUs are refused with that reason, whatever there is."""
    with pytest.raises(LotteryError, match=f"--device {name}: of GPUs only NVIDIA's are supported"):
        devices(machine(True, TWO, device=name))


@pytest.mark.parametrize("name", ["abacus", "auto:0", "cuda:", "cuda:x", "cpu:0"])
def test_what_is_no_device(machine, name):
    """The message says what to write."""
    with pytest.raises(LotteryError, match="write auto, cpu, cuda or cuda:N"):
        devices(machine(True, TWO, device=name))


def test_tf32_needs_a_gpu(machine):
    """On the processor there is no such thing."""
    assert precision(machine(True, TWO, precision="tf32")) == "tf32"
    with pytest.raises(LotteryError, match="tf32 needs a GPU"):
        precision(machine(True, (), "", precision="tf32"))


def test_n_auto_is_a_worker_for_each_gpu(machine, monkeypatch):
    """Without one, for each core."""
    monkeypatch.setattr(options, "cores", lambda: 7)
    assert workers(machine(True, TWO)) == 2 and workers(machine(True, ())) == 7


def test_workers_share_out_the_gpus():
    """In turn; each knows how many are on its own."""
    two, one = Devices(["cuda:0", "cuda:1"], False), Devices(["cuda:3"], True)
    assert [two.of(slot, 3) for slot in range(3)] == [("cuda:0", 2), ("cuda:1", 1), ("cuda:0", 2)]
    assert one.of(0, 1) == ("cuda:3", 1) and one.of(2, 3) == ("cuda:3", 3) and two.of(0, 1) == ("cuda:0", 1)
