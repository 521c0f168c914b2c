"""The command line's options: what they are, and one clear message for each value that makes no sense.

The plugin is loaded in every run of pytest in its environment, so nothing is imported here until somebody asks for it.
"""

import importlib.util
import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lottery.core.errors import LotteryError
from lottery.core.machine import cores, visible_gpus

if TYPE_CHECKING:
    from lottery.experiments.scales import Scale

PRECISIONS = ("float32", "tf32")
UNITS = {"s": 1, "m": 60, "h": 3600}
RESULTS = "where results.json, results.md and measurements.csv go (default: results)"
STORE = "where everything computed is kept (default: LOTTERY_STORE, else the user's cache)"
CRITERION = "try a mask criterion of your own; repeatable"
BASELINE = "an earlier results.json, or a folder of tables such as expected/baselines/tiny; a significant drift fails"
BUDGET = "wall time of the whole run, such as 90s, 30m or 8h; what does not fit is skipped"
PLAN = "train nothing: say what would be trained, and how long that would take here (use -n0)"
PRECISION = f"{' or '.join(PRECISIONS)} for matrix products (default: float32)"
OPTIONS: dict[str, dict[str, Any]] = {
    "scale": {"metavar": "SCALE", "help": "tiny, reduced or paper (default: LOTTERY_SCALE, else tiny)"},
    "results": {"metavar": "DIR", "default": "results", "help": RESULTS},
    "store": {"metavar": "DIR", "help": STORE},
    "criterion": {"metavar": "NAME=FILE.py:FUNCTION", "action": "append", "default": [], "help": CRITERION},
    "baseline": {"metavar": "PATH", "help": BASELINE},
    "budget": {"metavar": "TIME", "help": BUDGET},
    "plan": {"action": "store_true", "help": PLAN},
    "device": {"metavar": "DEVICE", "default": "auto", "help": "auto, cpu, cuda or cuda:N (default: auto)"},
    "precision": {"metavar": "PRECISION", "default": "float32", "help": PRECISION},
}


def add(parser: pytest.Parser) -> None:
    """Add the suite's options to pytest's, all of them or, where another plugin has one of their names, none."""
    if not any(_taken(parser, f"--{name}") for name in OPTIONS):
        group = parser.getgroup("lottery", "lottery: claims of the lottery-ticket literature")
        for name, attributes in OPTIONS.items():
            group.addoption(f"--{name}", dest=f"lottery_{name}", **attributes)


def _taken(parser: pytest.Parser, name: str) -> bool:
    try:
        return f"{name}=1" not in parser.parse_known_and_unknown_args([f"{name}=1"])[1]
    except pytest.UsageError:  # an option that takes no value, or another one
        return True


def added(config: pytest.Config) -> bool:
    """Return whether the options are there."""
    return hasattr(config.option, "lottery_scale")


def given(config: pytest.Config, name: str) -> Any:
    """Return the value of one of the suite's options."""
    return config.getoption(f"lottery_{name}")


def holds_claims(path: Path) -> bool:
    """Return whether a benchmark file has its file of entries, or a folder has such a file."""
    from lottery.claims.claim import expected_file

    files = path.resolve().glob("test_*.py") if path.is_dir() else [path.resolve()]
    return any(file.suffix == ".py" and expected_file(file).is_file() for file in files)


def claims_asked(config: pytest.Config) -> bool:
    """Return whether the command line names claims: a folder or a file of them, or with --pyargs their package."""
    return any(holds_claims(path) for argument in config.args for path in _places(config, argument.partition("::")[0]))


def _places(config: pytest.Config, name: str) -> list[Path]:
    """Return where the tests of an argument of the command line lie."""
    if config.getoption("pyargs", False) and not (config.invocation_params.dir / name).exists():
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is not None:
            return [Path(place) for place in spec.submodule_search_locations or [spec.origin or name]]
    return [config.invocation_params.dir / name]


class Chosen:
    """What the options choose, each worked out when it is first asked for; raises where a choice makes no sense.

    Apart from the plugin, whose attributes pytest looks at in every run in search of fixtures.
    """

    def __init__(self, config: pytest.Config):
        self._config = config

    @cached_property
    def scale(self) -> "Scale":
        """The scale."""
        return chosen_scale(self._config)

    @cached_property
    def devices(self) -> list[str]:
        """The devices that workers share out among themselves."""
        return device_names(self._config)

    @cached_property
    def precision(self) -> str:
        """The precision of matrix products."""
        return precision(self._config)


def chosen_scale(config: pytest.Config) -> "Scale":
    """Return the scale that is asked for."""
    from lottery.experiments.scales import scale

    option = given(config, "scale")
    name = option or os.environ.get("LOTTERY_SCALE") or "tiny"
    try:
        return scale(name).on_data_at_hand()
    except LotteryError as error:
        raise LotteryError(f"{'--scale' if option else 'LOTTERY_SCALE'}: {error}") from None


def budget(config: pytest.Config) -> float | None:
    """Return the budget in seconds, or None."""
    text = given(config, "budget")
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not match or float(match[1]) == 0:
        raise LotteryError(f"--budget {text}: write a number and its unit, such as 90s, 30m or 8h")
    return float(match[1]) * UNITS[match[2]]


def check_results_folder(config: pytest.Config) -> None:
    """Raise if the folder for results cannot be one, before anything is computed."""
    folder = Path(given(config, "results")).absolute()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        what = "is not a folder" if not nearest.is_dir() else "is not writable"
        raise LotteryError(
            f"the results cannot be written to {given(config, 'results')}: {nearest} {what}; "
            "choose another folder with --results"
        )


def precision(config: pytest.Config) -> str:
    """Return the precision of matrix products."""
    name = given(config, "precision")
    if name not in PRECISIONS:
        raise LotteryError(f"--precision {name}: the precisions are {', '.join(PRECISIONS)}")
    if name == "tf32" and not device_names(config)[0].startswith("cuda"):
        raise LotteryError("--precision tf32 needs a GPU; on a processor there is only float32")
    return name


def device_names(config: pytest.Config) -> list[str]:
    """Return the devices that workers share out among themselves; raise if the one asked for is not there."""
    name = given(config, "device")
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
        f"--device {name}: torch {torch.__version__} sees {count} GPUs here; use --device cpu, or fix the driver"
    )


def workers(config: pytest.Config) -> int:
    """Return what `-n auto` means: one worker per GPU, without GPU one per core."""
    devices = device_names(config)
    return cores() if devices == ["cpu"] else len(devices)
