"""The command line's options: what they are, and one clear message for each value that makes no sense."""

import os
import re
from pathlib import Path

import pytest

from lottery.core.errors import LotteryError
from lottery.core.machine import cores, visible_gpus
from lottery.experiments.scales import SCALES, Scale, scale

PRECISIONS = ("float32", "tf32")
UNITS = {"s": 1, "m": 60, "h": 3600}


def add(parser: pytest.Parser) -> None:
    """Add the suite's options to pytest's."""
    group = parser.getgroup("lottery", "lottery: claims of the lottery-ticket literature")
    group.addoption("--scale", metavar="SCALE", help=f"{', '.join(SCALES)} (default: LOTTERY_SCALE, else tiny)")
    group.addoption(
        "--results",
        metavar="DIR",
        default="results",
        help="where results.json, results.md and measurements.csv go (default: results)",
    )
    group.addoption(
        "--store",
        metavar="DIR",
        help="where everything computed is kept (default: LOTTERY_STORE, else the user's cache)",
    )
    group.addoption(
        "--criterion",
        metavar="NAME=FILE.py:FUNCTION",
        action="append",
        default=[],
        help="try a mask criterion of your own; repeatable",
    )
    group.addoption(
        "--baseline",
        metavar="PATH",
        help="an earlier results.json, or a folder of tables such as expected/baselines/tiny;"
        " a significant drift from it fails",
    )
    group.addoption(
        "--budget",
        metavar="TIME",
        help="wall time of the whole run, such as 90s, 30m or 8h; what does not fit is skipped",
    )
    group.addoption(
        "--plan",
        action="store_true",
        help="train nothing: say what would be trained, and how long that would take here (use -n0)",
    )
    group.addoption("--device", metavar="DEVICE", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    group.addoption(
        "--precision",
        metavar="PRECISION",
        default="float32",
        help=f"{' or '.join(PRECISIONS)} for matrix products (default: float32)",
    )


def chosen_scale(config: pytest.Config) -> Scale:
    """Return the scale that is asked for."""
    option = config.getoption("scale")
    name = option or os.environ.get("LOTTERY_SCALE") or "tiny"
    try:
        return scale(name)
    except LotteryError as error:
        raise LotteryError(f"{'--scale' if option else 'LOTTERY_SCALE'}: {error}") from None


def budget(config: pytest.Config) -> float | None:
    """Return the budget in seconds, or None."""
    text = config.getoption("budget")
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not match or float(match[1]) == 0:
        raise LotteryError(f"--budget {text}: write a number and its unit, such as 90s, 30m or 8h")
    return float(match[1]) * UNITS[match[2]]


def check_results_folder(config: pytest.Config) -> None:
    """Raise if the folder for results cannot be one, before anything is computed."""
    folder = Path(config.getoption("results")).absolute()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        what = "is not a folder" if not nearest.is_dir() else "is not writable"
        raise LotteryError(
            f"the results cannot be written to {config.getoption('results')}: {nearest} {what}; choose another folder with --results"
        )


def precision(config: pytest.Config) -> str:
    """Return the precision of matrix products."""
    name = config.getoption("precision")
    if name not in PRECISIONS:
        raise LotteryError(f"--precision {name}: the precisions are {', '.join(PRECISIONS)}")
    if name == "tf32" and not device_names(config)[0].startswith("cuda"):
        raise LotteryError("--precision tf32 needs a GPU; on a processor there is only float32")
    return name


def device_names(config: pytest.Config) -> list[str]:
    """Return the devices that workers share out among themselves; raise if the one asked for is not there."""
    name = config.getoption("device")
    if name == "cpu" or (name == "auto" and not visible_gpus()):
        return ["cpu"]
    match = re.fullmatch(r"(auto|cuda)(?::(\d+))?", name)
    if not match or (match[1] == "auto" and match[2]):
        raise LotteryError(f"--device {name}: write auto, cpu, cuda or cuda:N")
    import torch

    count = torch.cuda.device_count()
    if match[2] is not None and int(match[2]) < count:
        return [name]
    if match[2] is None and count:
        return [f"cuda:{index}" for index in range(count)]
    if name == "auto":
        return ["cpu"]
    raise LotteryError(
        f"--device {name}: torch {torch.__version__} sees {count} GPUs here; use --device cpu, or mend the driver"
    )


def workers(config: pytest.Config) -> int:
    """Return what `-n auto` means: one worker per GPU, without GPU one per core."""
    devices = device_names(config)
    return cores() if devices == ["cpu"] else len(devices)
