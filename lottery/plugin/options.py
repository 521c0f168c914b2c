"""The command line's options: what they are, and one clear message for each value that makes no sense.

The plugin is loaded in every run of pytest in its environment, so nothing is imported here until somebody asks for it.
"""

import importlib.util
import os
import re
from argparse import SUPPRESS
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lottery.claims.claims_folders import benchmarks_of, check_apart, holds_claims
from lottery.claims.run_folders import ALL_RUNS
from lottery.core.errors import LotteryError
from lottery.core.machine import cores, shows_gpu
from lottery.core.paths import user_path

if TYPE_CHECKING:
    from lottery.experiments.scales import Scale

OTHER_MAKERS = ("mps", "xpu", "hip", "rocm")  # names by which GPUs are known that are not NVIDIA's
PRECISIONS = ("float32", "tf32")
NO_BASELINE = "none"  # instead of a path
UNITS = {"s": 1, "m": 60, "h": 3600}
RESULTS = "where every run gets a folder of its own, and `latest` leads to the last (default: results)"
STORE = "where everything computed is kept (default: LOTTERY_STORE, else the user's cache)"
CRITERION = (
    "put a mask criterion through every question about criteria, beside those of the papers: a function of yours, or "
    "by its NAME one of the suite's or of an installed package (all-installed: all of these); repeatable"
)
AS = (
    "run the papers' claims themselves with another criterion in place of NAME, such as large_final=mine.py:score "
    "or large_final=movement; repeatable"
)
TREATMENT = (
    "put a treatment of kept or of pruned weights through the questions about one, beside those of the papers: a "
    "function of yours, or by its NAME one of the suite's; repeatable"
)
NETWORK = "put a network of your own, returned by FUNCTION, through claims about tickets; repeatable"
DATASET = "train networks of your own on data of your own, returned by FUNCTION; repeatable"
CLAIMS = "run claims of your own, from a folder laid out like this suite; alone, unless others are named; repeatable"
BASELINE = (
    "an earlier run's folder, or a folder of tables; a significant drift from it fails; none: no comparison "
    "(default: expected/baselines/ and the scale, beside the claims)"
)
EXACT = "every number that can be compared must equal the baseline's: for refactorings, on one machine"
UPDATE = (
    "rewrite expected/baselines/<scale> with this run's numbers, name new and changed rows, and fail if there are any"
)
BUDGET = "wall time of the whole run, such as 90s, 30m or 8h; what does not fit is skipped"
PLAN = "train nothing: say what would be trained, and how long that would take here (use -n0)"
TABLE = "show every claim in a table, with all remarks, instead of the answer on one screen"
ENGINE = "compute what is missing by jobs: slurm, in Slurm's queue; local, the same jobs on this machine"
SLURM = "further options for sbatch, such as partition=gpu, account=mine, gres=gpu:a100:1 or time=4:00:00; repeatable"
JOBS = "jobs that are pending or running at a time (default: 64 in Slurm's queue, one per core or GPU here)"
LOGS = "where requests and logs of jobs are kept, shared by all nodes (default: jobs/ in the store)"
PRECISION = f"{' or '.join(PRECISIONS)} for matrix products (default: float32)"
TAKEN: list[str] = []  # options whose short names another plugin has
OPTIONS: dict[str, dict[str, Any]] = {
    "scale": {"metavar": "SCALE", "help": "tiny, reduced or paper (default: LOTTERY_SCALE, else tiny)"},
    "results": {"metavar": "DIR", "default": ALL_RUNS, "help": RESULTS},
    "store": {"metavar": "DIR", "help": STORE},
    "criterion": {"metavar": "NAME=FILE.py:FUNCTION", "action": "append", "default": [], "help": CRITERION},
    "as": {"metavar": "NAME=CRITERION", "action": "append", "default": [], "help": AS},
    "treatment": {"metavar": "NAME=FILE.py:FUNCTION", "action": "append", "default": [], "help": TREATMENT},
    "network": {"metavar": "NAME=FILE.py:FUNCTION", "action": "append", "default": [], "help": NETWORK},
    "dataset": {"metavar": "NAME=FILE.py:FUNCTION", "action": "append", "default": [], "help": DATASET},
    "claims": {"metavar": "DIR", "action": "append", "default": [], "help": CLAIMS},
    "baseline": {"metavar": "PATH", "help": BASELINE},
    "baseline-exact": {"action": "store_true", "help": EXACT},
    "update-expected": {"action": "store_true", "help": UPDATE},
    "budget": {"metavar": "TIME", "help": BUDGET},
    "table": {"action": "store_true", "help": TABLE},
    "plan": {"action": "store_true", "help": PLAN},
    "engine": {"metavar": "NAME", "help": ENGINE},
    "slurm": {"metavar": "KEY=VALUE", "action": "append", "default": [], "help": SLURM},
    "jobs": {"metavar": "N", "help": JOBS},
    "logs": {"metavar": "DIR", "help": LOGS},
    "request": {"metavar": "FILE", "help": SUPPRESS},  # of a job: compute what it names, and judge nothing
    "passing": {"action": "store_true", "help": SUPPRESS},  # the folder of results is removed: do not lead there
    "device": {"metavar": "DEVICE", "default": "auto", "help": "auto, cpu, cuda or cuda:N (default: auto)"},
    "precision": {"metavar": "PRECISION", "default": "float32", "help": PRECISION},
}


def add(parser: pytest.Parser) -> None:
    """Add the suite's options to pytest's: each as --lottery-NAME and, unless another plugin has that, as --NAME."""
    TAKEN.clear()
    group = parser.getgroup("lottery", "lottery: claims of the lottery-ticket literature")
    for name, attributes in OPTIONS.items():
        names = [f"--lottery-{name}"] + [f"--{name}"] * (not _taken(parser, f"--{name}"))
        if len(names) == 1:
            TAKEN.append(name)
        group.addoption(*names, dest=f"lottery_{name}", **attributes)


def _taken(parser: pytest.Parser, name: str) -> bool:
    try:
        return f"{name}=1" not in parser.parse_known_and_unknown_args([f"{name}=1"])[1]
    except pytest.UsageError:  # an option that takes no value, or another one
        return True


def taken() -> str:
    """Return what to tell whoever runs claims where another plugin has some of the options' short names."""
    if not TAKEN:
        return ""
    short, long = (", ".join(f"--{prefix}{name}" for name in TAKEN) for prefix in ("", "lottery-"))
    return f"lottery: {short} belongs to another plugin or conftest.py here; for claims, use {long}"


def added(config: pytest.Config) -> bool:
    """Return whether the options are there."""
    return hasattr(config.option, "lottery_scale")


def given(config: pytest.Config, name: str) -> Any:
    """Return the value of one of the suite's options."""
    return config.getoption(f"lottery_{name}")


def own(config: pytest.Config, kind: str) -> list[str]:
    """Return what was given of a kind of the user's own, each by an option's value; names of criteria stand for one."""
    values = list(given(config, kind))
    if kind == "criterion" and values:
        from lottery.masks.installed_criteria import expanded

        return expanded(values)
    return values


def add_claims(config: pytest.Config) -> None:
    """Have pytest collect the folders that --claims names, beside what the command line names and nothing else.

    Raise where one of them has no claims, or claims that cannot be told apart from others.
    """
    folders: list[Path] = []
    for folder in given(config, "claims") if added(config) else []:
        try:
            folders.append(benchmarks_of(folder))
        except LotteryError as error:
            raise LotteryError(f"--claims {folder}: {error}") from None
    if not folders:
        return
    named = config.args if config.args_source == pytest.Config.ArgsSource.ARGS else []
    places = [place for argument in named for place in _places(config, argument.partition("::")[0])]
    files = [file for place in [*places, *folders] if holds_claims(place) for file in _tests(place)]
    try:
        check_apart(files)
        _check_packages(folders, files)
    except LotteryError as error:
        raise LotteryError(f"--claims: {error}") from None
    config.args[:] = [*named, *(str(folder) for folder in dict.fromkeys(folders) if folder not in places)]


def _tests(place: Path) -> list[Path]:
    return [file.resolve() for file in (place.glob("test_*.py") if place.is_dir() else [place])]


def _check_packages(folders: list[Path], files: list[Path]) -> None:
    """Raise where one of the folders is a package of another one's name, of which Python can import one alone."""
    for folder in folders:
        others = {file.parent for file in files if (file.parent / "__init__.py").is_file()} - {folder}
        if (folder / "__init__.py").is_file() and folder.name in {other.name for other in others}:
            told = f"another folder of claims is the package {folder.name}, too"
            raise LotteryError(f"{folder / '__init__.py'}: {told}; remove this file, which tests do not need")


def claims_asked(config: pytest.Config) -> bool:
    """Return whether the command line names claims: a folder or a file of them, or with --pyargs their package."""
    return any(holds_claims(path) for argument in config.args for path in _places(config, argument.partition("::")[0]))


def only_shown(config: pytest.Config) -> bool:
    """Return whether tests are only collected, or only their fixtures shown, so that nothing is to be trained."""
    option = config.option
    return bool(option.collectonly or option.setuponly or option.setupplan)


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


@dataclass(frozen=True)
class Devices:
    """The devices that workers share out among themselves, and what whoever runs the suite should know about them."""

    names: list[str]
    by_name: bool  # asked for, so that no other will do
    note: str = ""

    def of(self, slot: int, workers: int) -> tuple[str, int]:
        """Return the device of one of so many workers, counted from zero, and how many of them share it."""
        place, count = slot % len(self.names), len(self.names)
        return self.names[place], len(range(place, max(workers, place + 1), count))


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
    def devices(self) -> Devices:
        """The devices that workers share out among themselves; where jobs compute, the processor, which only reads."""
        return Devices(["cpu"], False) if given(self._config, "engine") else devices(self._config)

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
    if not match or not 0 < float(match[1]) < 1e9:  # of any unit: nobody waits for longer, and clocks count no further
        raise LotteryError(f"--budget {text}: write a number and its unit, such as 90s, 30m or 8h")
    return float(match[1]) * UNITS[match[2]]


def results_folder(config: pytest.Config) -> Path:
    """Return the folder in which every run gets one of its own."""
    return user_path(given(config, "results"))


def check_results_folder(config: pytest.Config) -> None:
    """Raise if the folder for results cannot be one, before anything is computed."""
    folder = results_folder(config).absolute()
    try:
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    except (OSError, ValueError) as error:  # a name that is too long, or has a zero in it
        raise LotteryError(f"the results cannot be written to {given(config, 'results')!r:.200}: {error}") from None
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
    if name == "tf32" and not given(config, "engine") and devices(config).names == ["cpu"]:
        raise LotteryError("--precision tf32 needs a GPU; on a processor there is only float32")
    return name


def devices(config: pytest.Config) -> Devices:
    """Return the devices to compute on; raise if the one asked for by name is not there."""
    name = given(config, "device")
    if name == "cpu" or (name == "auto" and not shows_gpu()):
        return Devices(["cpu"], name == "cpu")
    if name.partition(":")[0] in OTHER_MAKERS:
        raise LotteryError(f"--device {name}: of GPUs only NVIDIA's are supported; write auto, cpu, cuda or cuda:N")
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", name)
    if not match:
        raise LotteryError(f"--device {name}: write auto, cpu, cuda or cuda:N")
    import torch

    from lottery.core.devices import cards

    there, reason = cards()
    if name == "auto":
        note = f"there seems to be a GPU, but torch cannot use it ({reason}): computed on the processor"
        return Devices(there, False) if there else Devices(["cpu"], False, note)
    if match[1] is not None and name in there:
        return Devices([name], True)
    if match[1] is None and there:
        return Devices(there, True)
    why = f" ({reason})" if reason else ""
    raise LotteryError(
        f"--device {name}: torch {torch.__version__} sees {len(there)} GPUs here{why}; use --device cpu, or fix that"
    )


def workers(config: pytest.Config) -> int:
    """Return what `-n auto` means: one worker per GPU, without GPU one per core."""
    names = devices(config).names
    return cores() if names == ["cpu"] else len(names)
