"""Keys: the name of an experiment in the store, a hash of everything its result depends on and of nothing else.

Settings and descriptions count as data; code counts by its normalised source, as far as the experiment's parts use
it; the engine counts by its declared version. Device and torch's version do not count: they stand beside the result.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from math import isinf
from types import ModuleType
from typing import NamedTuple

from lottery.core.errors import LotteryError
from lottery.core.later import counted
from lottery.core.rng import stream
from lottery.data.made_tasks import dataset
from lottery.experiments import own_networks
from lottery.experiments.all_parts import parents, parts
from lottery.experiments.arms import Arm, Reset
from lottery.experiments.experiment import Experiment
from lottery.experiments.planted_reading import PlantedReading, read_untrained
from lottery.masks import criteria, own_criteria, own_treatments
from lottery.masks.kept_values import TREATMENTS
from lottery.masks.pruned_values import PRUNED
from lottery.models.architectures import Architecture, is_planted
from lottery.models.initialisers import INITIALISERS, initial_rest, initial_weights
from lottery.models.losses import LOSSES, OF_SOFTMAX, after_softmax
from lottery.models.model import model_of
from lottery.planting.planted_networks import task_of
from lottery.planting.targets import TASKS
from lottery.store.fingerprints import canonical, digest, source_digest
from lottery.training.config import Setting
from lottery.training.fit import VERSION

Others = tuple[tuple[str, str], ...]  # names and fingerprints of data sets
# What people call the parts of a key, but for code, which has names of its own (`lottery.experiments.inputs`).
KINDS = {
    "engine": ("engine",),
    "precision": ("precision",),
    "network": ("network", "start", "rates", "scope", "own network"),
    "data": ("data", "other data"),
    "training": ("config",),
    "arms": ("arm",),
}


class Inputs(NamedTuple):
    """What all rounds and seeds of an arm share: a hash of all that their results depend on, and of each kind of it.

    `science` are the functions and classes whose sources count, `criteria` the names under which some of them score.
    """

    digest: str
    kinds: Mapping[str, str]
    science: tuple[Callable, ...]
    criteria: tuple[str, ...]


def key(experiment: Experiment, fingerprint: str, precision: str, others: Others = ()) -> str:
    """Return the experiment's name in the store.

    `fingerprint` is that of its data, `others` are those of the other data that its arm's parts name.
    """
    common = inputs(experiment, fingerprint, precision, others).digest
    return digest(f"{common} round {experiment.round} seed {experiment.seed}")


def inputs(experiment: Experiment, fingerprint: str, precision: str, others: Others = ()) -> Inputs:
    """Return what an experiment's result depends on but for its round and its seed; arguments are those of `key`."""
    arm = experiment.arm
    made_by = tuple(criteria.CRITERIA.get(name) for name in sorted(criteria_of(arm)))
    made_by += tuple(TREATMENTS.get(name) or PRUNED.get(name) for name in sorted(treatments_of(arm)))
    own = own_networks.FINGERPRINTS.get(experiment.setting.network, "")
    return _inputs(experiment.setting, arm, fingerprint, precision, made_by, own, others)


@functools.lru_cache(maxsize=4096)
def _inputs(
    setting: Setting, arm: Arm, fingerprint: str, precision: str, made_by: tuple, own: str, others: Others
) -> Inputs:
    """Return what all rounds and seeds of an arm share.

    `made_by` tells criteria and treatments of one name apart, `own` users' networks of one name.
    """
    one, architecture = Experiment(setting, arm, 1 if arm.by_round else 0, 0), setting.architecture
    check(one)
    used = tuple(science(one))
    request = {
        "engine": VERSION,
        "precision": precision,
        "network": _structure(architecture),
        "start": [architecture.loss, architecture.initialiser],
        "rates": [str(architecture.rate(layer)) for layer in architecture.layers] if arm.mask.by_round else [],
        "scope": architecture.scope if arm.mask.by_round else "",
        "data": [setting.data, fingerprint],
        "config": described(setting.config),
        "arm": described(arm, classes=True),
        "science": [source_digest(function) for function in used],
        "own": sorted(_own(own_criteria, criteria_of(arm)) | _own(own_treatments, treatments_of(arm))),
    }
    if own:
        request["own network"] = own
    if others:
        request["other data"] = others
    kinds = {kind: digest(canonical([request.get(name) for name in names])) for kind, names in KINDS.items()}
    return Inputs(digest(canonical(request)), kinds, used, tuple(sorted(criteria_of(arm))))


def _own(users: ModuleType, names: set[str]) -> set[str]:
    """Return what names the results of those that are users' own, as the module that registers them knows."""
    return {users.FINGERPRINTS[name] for name in names if name in users.FINGERPRINTS}


def _structure(architecture: Architecture) -> list[object]:
    """Return what tells a network from others: its layers with weights, and where these are not all, the rest, too.

    Strides, padding, pooling and normalisation are in what torch prints of a module.
    """
    layers: list[object] = [[layer.name, layer.shape] for layer in architecture.layers]
    return [*layers, str(architecture.module)] if architecture.image else layers


def check(experiment: Experiment) -> None:
    """Raise if an experiment cannot be computed at all, or names what there is not, with what is wrong about it."""
    own_networks.check(experiment.setting)
    if getattr(experiment.arm.action, "predictions", False) and is_planted(experiment.setting.architecture.name):
        what = "predictions are kept of networks for images"
        raise LotteryError(f"{experiment.arm.name}: {what}; {experiment.setting.network} has a planted ticket and none")
    for part in parts(experiment):
        part.check()
    science(experiment)


def science(experiment: Experiment) -> list[Callable]:
    """Return the functions and classes that decide the result of an experiment, and of those that it rests on."""
    architecture = experiment.setting.architecture
    used: list[Callable] = [stream, _model_class(architecture), LOSSES[architecture.loss]]
    used += [INITIALISERS.find(architecture.initialiser), initial_weights]
    if architecture.drawn is not None:
        used.append(initial_rest)
    if is_planted(architecture.name):
        used += [TASKS[task_of(architecture.name)[0]], dataset, PlantedReading, read_untrained]
    if experiment.arm.mask.by_round:
        used += [type(architecture).kept, type(architecture).kept_in_all]
    if getattr(experiment.arm.action, "released", False):
        used += [after_softmax, LOSSES[architecture.loss + OF_SOFTMAX]]
    for part in parts(experiment):
        used += [type(part), *part.science()]
    for parent in parents(experiment):
        used += science(parent)
    return list(dict.fromkeys(used))


@functools.cache
def _model_class(architecture: Architecture) -> type:
    """Return the class of the model that a network is computed with; to make the model takes a millisecond."""
    return type(model_of(architecture))


def described(value: object, classes: bool = False) -> object:
    """Return a description as plain data: the fields that count, and on request the classes, of whatever is nested."""
    if isinstance(value, tuple):
        return tuple(described(one, classes) for one in value)
    if isinstance(value, float) and isinf(value):
        return str(value)
    if not is_dataclass(value):
        return value
    fields = {name: described(field, classes) for name, field in counted(value).items()}
    return {"class": type(value).__name__} | fields if classes else fields


@functools.cache
def other_data(arm: Arm) -> tuple[str, ...]:
    """Return the names of the data sets that the arms within an arm name, on which masks of it come about."""
    found = {one.dataset for one in arm.within} | {name for one in arm.within for name in other_data(one)}
    return tuple(sorted(found - {""}))


def criteria_of(arm: Arm) -> set[str]:
    """Return the names of the criteria that an arm's masks come from."""
    inner = set().union(*map(criteria_of, arm.within))
    return inner | ({arm.mask.criterion} if hasattr(arm.mask, "criterion") else set())


def treatments_of(arm: Arm) -> set[str]:
    """Return the names of what is done with kept and with pruned weights at the starts that an arm rests on."""
    inner = set().union(*map(treatments_of, arm.within))
    return inner | ({arm.start.treatment, arm.start.pruned} if isinstance(arm.start, Reset) else set())
