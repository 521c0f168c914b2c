"""GPUs that are not what they seem: counted and not served, busy, unknown to this torch, full, or failing."""

import warnings

import pytest
import torch

from lottery.core import devices, machine
from lottery.core.devices import (
    cards,
    description,
    failures_told,
    meaning,
    out_of_memory,
    prepare,
    ready,
    set_precision,
    trouble,
)
from lottery.core.errors import DeviceFailure, DeviceWarning, LotteryError
from lottery.core.machine import shows_gpu

ERROR = getattr(torch, "AcceleratorError", RuntimeError)  # torch has it since 2.8
OLD_DRIVER = "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).\nPlease update"
NO_IMAGE = "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors might be"
BUSY = "CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCompile with"
FULL = (
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    ERROR("CUDA error: out of memory\nCUDA kernel errors"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
)


@pytest.fixture
def torch_says(monkeypatch):
    """A function that decides what torch says of GPUs."""

    def say(there, count=1, warning="", cuda="13.0", hip=None):
        def is_available():
            if warning:
                warnings.warn(warning, stacklevel=1)
            return there

        monkeypatch.setattr(torch.cuda, "is_available", is_available)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.version, "cuda", cuda)
        monkeypatch.setattr(torch.version, "hip", hip)

    return say


@pytest.mark.parametrize(
    "visible, files, expected",
    [
        (None, ["/dev/nvidia0"], True),
        (None, ["/dev/dxg"], True),
        (None, ["/dev/nvhost-gpu"], True),
        (None, ["C:/Windows/System32/nvcuda.dll"], True),
        (None, [], False),
        ("", ["/dev/nvidia0"], False),
        ("-1", ["/dev/nvidia0"], False),
        ("1", ["/dev/nvidia0"], True),
        ("GPU-8d1", ["/dev/dxg"], True),
    ],
)
def test_signs_of_a_gpu(monkeypatch, visible, files, expected):
    """What the driver leaves under Linux, its Tegra, WSL2 and Windows, unless all GPUs are hidden."""
    monkeypatch.setattr(machine.glob, "glob", lambda sign: [one for one in files if one == sign.replace("[0-9]*", "0")])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert shows_gpu() is expected


def test_cards_are_those_that_can_be_served(torch_says):
    """A count is believed only where torch is available; else the reason that it gives is handed on."""
    torch_says(True, 2)
    assert cards() == (["cuda:0", "cuda:1"], "")
    torch_says(False, 2, OLD_DRIVER)
    assert cards() == ([], OLD_DRIVER.splitlines()[0])
    torch_says(False, 2)
    assert cards() == ([], "the driver serves none; nvidia-smi says more")
    torch_says(False, 0, cuda=None)
    assert cards()[0] == [] and "was built without CUDA" in cards()[1]
    torch_says(True, 1, cuda=None, hip="6.4")
    assert cards()[0] == [] and "only NVIDIA's are supported" in cards()[1]


@pytest.mark.parametrize(
    "message, told",
    [
        (NO_IMAGE, "was not built for cards of its kind"),
        (BUSY, "another process has it"),
        ("odd\nlines", "RuntimeError: odd"),
    ],
)
def test_a_product_tells_whether_a_card_works(monkeypatch, message, told):
    """What it raises is told in one line, with its meaning; a wrong result is trouble, too."""

    def product(*_):
        raise RuntimeError(message)

    assert trouble("cpu") == ""
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "__matmul__", product)
        assert told in trouble("cpu") and "\n" not in trouble("cpu")
    results = iter([torch.zeros(8, 8), torch.ones(8, 8)])
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda *_: next(results))
    assert "came out wrong" in trouble("cpu")


def test_a_gpu_that_does_not_work_is_told_of_or_refused(monkeypatch):
    """Under auto the processor stands in, with a warning; by name one message; a working one becomes the current."""
    current = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(devices, "trouble", lambda device: "it is busy")
    with pytest.warns(
        DeviceWarning, match="cuda:1 is there but cannot be used .it is busy.: computed on the processor"
    ):
        assert ready("cuda:1", by_name=False) == "cpu"
    with pytest.raises(LotteryError, match="--device cuda:1: it cannot be used .it is busy"):
        ready("cuda:1", by_name=True)
    assert ready("cpu", by_name=True) == "cpu" and not current
    monkeypatch.setattr(devices, "trouble", lambda device: "")
    assert ready("cuda:1", by_name=False) == "cuda:1" and current == ["cuda:1"]


def test_precision_is_that_of_products_and_of_convolutions():
    """torch's defaults differ: convolutions would use TF32 by themselves."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        for precision, expected in (("float32", False), ("tf32", True), ("float32", False)):
            set_precision(precision)
            assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (expected, expected)
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def test_a_process_is_set_back():
    """Threads, and how products are computed, as they were before it was prepared; a notebook goes on."""
    cuda, cudnn, threads = torch.backends.cuda.matmul, torch.backends.cudnn, torch.get_num_threads()
    before = cuda.allow_tf32, cudnn.allow_tf32
    try:
        torch.set_num_threads(2)
        cuda.allow_tf32, cudnn.allow_tf32 = True, False
        set_back = prepare("cpu", "float32")
        assert (torch.get_num_threads(), cuda.allow_tf32) == (1, False)
        set_back()
        assert (torch.get_num_threads(), cuda.allow_tf32, cudnn.allow_tf32) == (2, True, False)
    finally:
        torch.set_num_threads(threads)
        cuda.allow_tf32, cudnn.allow_tf32 = before


@pytest.mark.parametrize("error", FULL)
def test_memory_is_full_in_many_words(error):
    """The allocator's, the driver's, cuBLAS's and cuDNN's; other errors are none."""
    assert out_of_memory(error) and "its memory is full" in meaning(error)
    assert not out_of_memory(RuntimeError(NO_IMAGE)) and not out_of_memory(ValueError("out of memory"))


def test_a_failure_is_one_message():
    """What a GPU raises becomes a failure of the device; what is no GPU's business stays what it is."""
    with (
        pytest.raises(DeviceFailure, match="cuda:0 failed .*illegal memory access.*goes on from there"),
        failures_told("cuda:0"),
    ):
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")
    for device, message in (("cuda:0", "shapes do not match"), ("cpu", "CUDA error: odd")):
        with pytest.raises(RuntimeError, match=message), failures_told(device):
            raise RuntimeError(message)
    assert description("cpu") == "cpu"
