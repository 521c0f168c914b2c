"""Registration of what a user gave: criteria, treatments, data sets and networks of his own, for as long as a run."""

import functools
import importlib
from collections.abc import Mapping
from types import ModuleType

import pytest

from lottery.core.errors import LotteryError
from lottery.plugin import options

MODULES = {  # what can be a user's own, and the module that registers it, imported only then
    "criterion": "lottery.masks.own_criteria",
    "as": "lottery.masks.replaced_criteria",
    "treatment": "lottery.masks.own_treatments",
    "dataset": "lottery.experiments.own_datasets",  # before the networks that train on them
    "network": "lottery.experiments.own_networks",
}
UNDER_CONTRACT = ("criterion", "as", "treatment")  # the kinds that are called before anything is trained


def register(config: pytest.Config, rehearse: bool) -> list[str]:
    """Register what the options name until pytest's configuration ends; return remarks on it.

    `rehearse`: first hold criteria and treatments to their contract, in a process that they may end. Whoever begins
    the run does that, before workers start and before anything is trained; it also reads data sets twice.
    """
    remarks: list[str] = []
    for kind, where in MODULES.items():
        names: list[str] = []
        for option in options.own(config, kind):
            module = importlib.import_module(where)
            if rehearse and kind in UNDER_CONTRACT:
                remarks += _rehearsed(kind, module, option)
            name = module.load(option)
            if name in names:
                raise LotteryError(f"--{kind} {option}: {name!r} is given twice")
            config.add_cleanup(functools.partial(module.forget, name))
            names.append(name)
            if rehearse and kind == "dataset":
                _check_alike(module, option, name)
    return remarks


def _check_alike(module: ModuleType, option: str, name: str) -> None:
    try:
        module.check_alike(name)
    except LotteryError as error:
        raise LotteryError(f"--dataset {option}: {error}") from None


def data_read(config: pytest.Config) -> dict[str, str]:
    """Return the fingerprints of users' data sets by name, for the workers of a run."""
    return importlib.import_module(MODULES["dataset"]).fingerprints() if options.own(config, "dataset") else {}


def other_data(read: Mapping[str, str]) -> str:
    """Return what is wrong where this worker has read other data than the process that began the run has."""
    try:
        if read:
            importlib.import_module(MODULES["dataset"]).check_alike_elsewhere(read)
    except LotteryError as error:
        return str(error)
    return ""


def _rehearsed(kind: str, module: ModuleType, option: str) -> list[str]:
    """Return remarks on what a user gave, once loaded and held to its contract apart; raise where it breaks that."""
    from lottery.core.apart import Ended, apart
    from lottery.masks import contract, own_criteria

    def rehearsal() -> list[str]:
        name = module.load(option)
        if kind == "treatment":  # which is held to its contract where it is loaded
            return module.remarks(name)
        own = name in own_criteria.FINGERPRINTS  # the suite's are tested
        return contract.check(name) if own else []

    try:
        return apart(rehearsal)
    except Ended as error:
        raise LotteryError(f"--{kind} {option}: it was tried on made-up weights, and {error}; it must return") from None
