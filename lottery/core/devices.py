"""Devices: which GPUs torch can use, how one is made ready, and what an error on one means."""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch

from lottery.core.errors import DeviceFailure, DeviceWarning, LotteryError, told
from lottery.core.machine import keep_freed_memory

CPU = "cpu"
FULL = ("out of memory", "_ALLOC_FAILED")  # of torch's allocator and the driver; of cuBLAS, cuDNN and the like
OF_GPUS = ("CUDA", "CUBLAS", "cuBLAS", "CUDNN", "cuDNN", "NVIDIA", *FULL)
# What the driver's messages mean to whoever reads them.
MEANINGS = {
    "no kernel image": "this torch was not built for cards of its kind; another release of torch, or of CUDA, may be",
    "busy or unavailable": "another process has it to itself; nvidia-smi shows which, and its compute mode",
    FULL[0]: "its memory is full; nvidia-smi shows of what",
    FULL[1]: "its memory is full; nvidia-smi shows of what",
}


def cards() -> tuple[list[str], str]:
    """Return the GPUs that torch counts, "cuda:0" and so on, and where there are none the reason."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    built = f"torch {torch.__version__} was built"
    if torch.version.hip:
        return [], f"{built} for AMD's cards, and only NVIDIA's are supported"
    if there:
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())], ""
    if torch.version.cuda is None:
        return [], f"{built} without CUDA"
    reasons = [str(warning.message).strip().splitlines()[0] for warning in caught if str(warning.message).strip()]
    return [], reasons[-1] if reasons else "the driver serves none; nvidia-smi says more"


def named(device: str) -> str:
    """Return the device that a command was given, a GPU by its place; raise where there is no such one."""
    if device == CPU:
        return CPU
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise LotteryError(f"--device {device}: write cpu, cuda or cuda:N; of GPUs only NVIDIA's are supported")
    there, reason = cards()
    card = there[0] if there and device == "cuda" else device
    if card not in there:
        raise LotteryError(f"--device {device}: torch sees {', '.join(there) or f'no GPU here ({reason})'}")
    return card


def trouble(device: str) -> str:
    """Return what is wrong with a GPU, after a small product there; an empty text if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of cards that it was not built for: the product will tell
            whole = torch.arange(64.0).view(8, 8)
            there = whole.to(device)
            found = (there @ there).cpu()
    except Exception as error:  # whatever torch raises, an assertion where it was built without CUDA
        return meaning(error)
    return "" if torch.equal(found, whole @ whole) else "a product of whole numbers came out wrong there"


def meaning(error: BaseException) -> str:
    """Return an error on a GPU in one line, with what it means where that is known."""
    explained = next((words for sign, words in MEANINGS.items() if sign in str(error)), "")
    return f"{told(error)}: {explained}" if explained else told(error)


def ready(device: str, by_name: bool) -> str:
    """Return the device to compute on, its own card being the current one.

    That is the processor, with a warning, where the GPU does not work; if it was asked for `by_name`, raise instead.
    """
    if device == CPU:
        return CPU
    wrong = trouble(device)
    if not wrong:
        torch.cuda.set_device(device)
        return device
    if by_name:
        raise LotteryError(f"--device {device}: it cannot be used ({wrong}); use --device cpu, or fix that")
    warnings.warn(f"{device} is there but cannot be used ({wrong}): computed on the processor", DeviceWarning, 2)
    return CPU


def prepare(device: str, precision: str) -> Callable[[], None]:
    """Set this process up for trainings on a device: its float32 products, and a processor's threads and memory.

    Two workers of one thread beat one of two, and results then never depend on how many workers there are. Return what
    sets threads and products back: a notebook goes on computing after a run.
    """
    threads, tf32 = torch.get_num_threads(), (False, True)  # torch's defaults
    with suppress(RuntimeError):  # raised where somebody used the newer switches
        tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    if device == CPU:
        torch.set_num_threads(1)
        keep_freed_memory()
    set_precision(precision)

    def set_back() -> None:
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32

    return set_back


def set_precision(precision: str) -> None:
    """Let float32 products and convolutions on a GPU be computed in TF32, or not; torch's defaults differ for them.

    Through the switches that every supported release has: newer ones refuse to read them once others were used.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"


def description(device: str) -> str:
    """Return what results name a device by: a GPU's name, or "cpu"."""
    return CPU if device == CPU else torch.cuda.get_device_name(device)


def wait() -> None:
    """Wait for the current GPU, if this process uses one."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a GPU's memory is full, whichever library ran into it."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in FULL)
    )


def of_gpu(error: BaseException) -> bool:
    """Return whether an error says that a GPU failed, whoever's code ran into it."""
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in OF_GPUS)


@contextmanager
def failures_told(device: str) -> Iterator[None]:
    """Turn what a GPU's failure raises meanwhile into one message."""
    try:
        yield
    except RuntimeError as error:
        if device == CPU or not of_gpu(error):
            raise
        raise DeviceFailure(
            f"{device} failed ({meaning(error)}); everything that was finished is kept, and the same command goes on "
            "from there; with --device cpu it does without"
        ) from None
