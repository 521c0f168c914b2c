"""Networks of users: `--network NAME=FILE.py:FUNCTION` puts what a function returns through claims about tickets.

The function takes nothing and returns a module. What a module does not tell is declared as attributes of the function:
`Declared` has them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from fractions import Fraction
from math import prod
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor, nn

from lottery.core.devices import of_gpu
from lottery.core.errors import LotteryError
from lottery.data.catalogue import DATASETS, read
from lottery.data.stand_ins import OTHER
from lottery.experiments import own_datasets
from lottery.experiments.scales import EARLY_STOP, SCALES
from lottery.masks.own_code import OwnFunction, Unusable, target
from lottery.masks.surroundings import kept
from lottery.models.architectures import ARCHITECTURES, Architecture
from lottery.models.initialisers import INITIALISERS, whole_seed
from lottery.models.layers import CONVOLUTION, HIDDEN, OUTPUT, Layer
from lottery.store.fingerprints import listed
from lottery.store.places import is_of_module, raised
from lottery.training.config import Config, Setting

FINGERPRINTS: dict[str, str] = {}  # of users' networks by name: what names their results beside the name
AS_BUILT = "{}, as it is built"  # the initialiser of a user's network that declares none
TRAINING = {"optimiser": "adam", "learning_rate": 1e-3, "batch_size": 50, "iterations": 2_000, "interval": 50}
PRUNED = {CONVOLUTION: 10, HIDDEN: 20, OUTPUT: 10}  # as Frankle & Carbin 2019 prune Conv-2 and Conv-4


class Declared(BaseModel):
    """What a function that returns a network declares, each as an attribute of the function.

    dataset      the data set to train on: one of the suite's, or one given with --dataset
    input_shape  channels, height and width, where the first layer is a convolution
    training     fields of `lottery.training.config.Config`, beside those of `TRAINING`
    pruned       the per cent of surviving weights that a round removes, by role; a role that is missing is not pruned
    scope        "layer" ranks every layer by itself, "global" all prunable layers as one
    initialiser  a name in `lottery/models/initialisers.py`; without it weights start as the module is built
    roles        the role of all layers under a name of the module, where it is not that of their kind
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dataset: str = ""
    input_shape: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(strict=False)] = ()
    training: dict[str, Any] = {}
    pruned: dict[str, Annotated[int, Field(ge=0, lt=100)]] = PRUNED
    scope: Literal["layer", "global"] = "layer"
    initialiser: str = ""
    roles: dict[str, str] = {}

    def config(self) -> Config:
        """Return how the network is trained; raise where a declaration makes no sense."""
        given = TRAINING | self.training
        if isinstance(given.get("schedule"), str):
            given["schedule"] = {"form": given["schedule"]}
        known = [field.name for field in fields(Config) if field.name != "snapshots"]  # no claim of theirs has any
        if unknown := sorted(given.keys() - set(known)):
            raise LotteryError(f"its declaration `training` has {', '.join(unknown)}; it can have {', '.join(known)}")
        try:
            config = TypeAdapter(Config).validate_python(given)
        except ValidationError as errors:
            raise LotteryError(f"its declaration `training` is not valid: {_first(errors)}") from None
        for name in ("batch_size", "iterations", "interval"):
            if getattr(config, name) < 1:
                raise LotteryError(f"its declaration `training` has {name} = {getattr(config, name)}, below one")
        return config


def load(option: str) -> str:
    """Register the network that an option points to and return its name; raise if there is none."""
    try:
        return _registered(option)
    except LotteryError as error:
        raise LotteryError(f"--network {option}: {error}") from None


def _registered(option: str) -> str:
    """Register the network and return its name, or leave every register as it was and raise."""
    of = target(option, "mine=mine.py:network", ARCHITECTURES, "network")
    if of.name.startswith("planted"):
        raise LotteryError("names that begin with 'planted' are of networks with a planted ticket; choose another")
    function = OwnFunction(of, "network")
    declared = _declared(vars(function.function))
    architecture = _architecture(of.name, function, declared)
    setting = Setting(of.name, _dataset(declared), declared.config())
    if not architecture.layers:
        raise LotteryError("the module has no Linear and no Conv2d layer, so there is nothing to prune")
    ARCHITECTURES[of.name], FINGERPRINTS[of.name] = architecture, function.fingerprint
    for scale in SCALES.values():
        scale.settings[of.name] = {EARLY_STOP: setting}
    try:
        _try(architecture)
        if setting.dataset in own_datasets.names():  # others are read when they are needed, since they may be large
            check(setting)
    except LotteryError:
        forget(of.name)
        raise
    return of.name


def forget(name: str) -> None:
    """Take a user's network from all registers."""
    for register in (ARCHITECTURES, FINGERPRINTS, *(scale.settings for scale in SCALES.values())):
        register.pop(name, None)  # type: ignore[attr-defined]
    INITIALISERS.pop(AS_BUILT.format(name), None)


def _declared(attributes: Mapping[str, object]) -> Declared:
    try:
        return Declared(**attributes)  # type: ignore[arg-type]
    except ValidationError as errors:
        if errors.errors()[0]["type"] != "extra_forbidden":
            raise LotteryError(f"the attribute {_first(errors)}") from None
        name, known = errors.errors()[0]["loc"][0], ", ".join(Declared.model_fields)
        raise LotteryError(f"the attribute {name!r} is not a declaration; a network can declare {known}") from None


def _first(errors: ValidationError) -> str:
    """Return what is wrong first, with the name of what it is wrong about."""
    error = errors.errors()[0]
    name = ".".join(map(str, error["loc"]))
    return f"{name!r} is wrong: {error['msg']}" if name else error["msg"].removeprefix("Value error, ")


def check(setting: Setting) -> None:
    """Raise if a user's network cannot be trained on its data set: other images, too few outputs or too few images."""
    if setting.network not in FINGERPRINTS:
        return
    parts, outputs = read(setting.dataset)[0], setting.architecture.layers[-1].fan_out
    images, labels = parts["train"]
    has = tuple(images.shape[1:])
    if prod(has) != prod(setting.architecture.input_shape):
        told = f"{setting.network} {_takes(setting.architecture)}, and {setting.dataset} has {_values(has)}"
        raise LotteryError(f"{told}; change the one or the other, or train it on other data")
    classes, batch = {part: int(of.max()) + 1 for part, (_, of) in parts.items()}, setting.config.batch_size
    if (most := max(classes.values())) > outputs:
        told = f"{setting.network} has {outputs} outputs, and {setting.dataset} {most} classes"
        if most > classes["train"]:  # where nobody looks for it
            told += f": its part {max(classes, key=classes.__getitem__)!r} has the label {most - 1}"
        raise LotteryError(told)
    if batch > len(labels):
        there = f"{setting.dataset} has {len(labels)} images for training"
        raise LotteryError(f"{setting.network} trains in batches of {batch}, and {there}")


class BrokenNetwork(LotteryError):
    """What a user's network raised while it was computed: what needs the network fails, and nothing else."""


@contextmanager
def failures_told(network: str) -> Iterator[None]:
    """Turn what the module of a user's network raises meanwhile into one message, but for what a GPU's failure is."""
    try:
        yield
    except (KeyboardInterrupt, LotteryError):
        raise
    except BaseException as error:  # whatever it raises concerns this network alone
        if network not in FINGERPRINTS or of_gpu(error) or not is_of_module(error):
            raise
        raise BrokenNetwork(f"network {network!r} {raised(error)}") from error


def _values(shape: tuple[int, ...]) -> str:
    """Return how many values an image of a shape has, and how they lie."""
    return f"{prod(shape):,} values" + (f" ({' x '.join(map(str, shape))})" if len(shape) > 1 else "")


def _takes(architecture: Architecture) -> str:
    """Return how many values an image has for a network, and what says so."""
    why = "its declaration input_shape says" if architecture.image else "its first layer has them"
    return f"takes {_values(architecture.input_shape)} an image, as {why}"


def _try(architecture: Architecture) -> None:
    """Raise where a module cannot compute with images of the shape that it takes: two in training, or one after it."""
    for count in (2, 1):
        _try_with(torch.full((count, *architecture.input_shape), 0.5), architecture)


def _try_with(images: Tensor, architecture: Architecture) -> None:
    module, shape, count = architecture.build().train(len(images) > 1), tuple(images.shape), len(images)
    try:
        with kept(0), torch.no_grad():
            outputs = module(images)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it raises, as above
        told = f"the module {_takes(architecture)}, and cannot compute with {count}, a tensor {shape}"
        raise LotteryError(f"{told}: it {raised(error)}") from error
    if not isinstance(outputs, Tensor) or outputs.dim() != 2 or len(outputs) != count:
        found = f"a tensor {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
        raise LotteryError(f"of {count} images the module makes {found}; it must return a tensor (images, classes)")


def _dataset(declared: Declared) -> str:
    if declared.dataset in DATASETS:
        return declared.dataset
    own = own_datasets.names()
    if not declared.dataset and len(own) == 1:
        return own[0]
    said = f"there is no data set {declared.dataset!r}" if declared.dataset else "it does not say what it is trained on"
    known = ", ".join(name for name in DATASETS if not name.endswith(OTHER))  # whose files decide which it is
    raise LotteryError(f"{said}: declare FUNCTION.dataset = NAME, one of {known}, or give your own with --dataset")


def _architecture(name: str, function: OwnFunction, declared: Declared) -> Architecture:
    build = _Build(function)
    initialiser = declared.initialiser or AS_BUILT.format(name)
    if declared.initialiser:
        INITIALISERS.find(declared.initialiser)
    else:
        INITIALISERS[initialiser] = _as_built(build)
    rates = tuple((role, Fraction(share, 100)) for role, share in declared.pruned.items())
    architecture = Architecture(
        name,
        build,
        rates,
        declared.scope,
        initialiser=initialiser,
        image=declared.input_shape,
        roles=tuple(declared.roles.items()),
        drawn=build.drawn,
    )
    first = next(iter(architecture.layers), None)
    if first is not None and len(first.shape) > 2 and not declared.input_shape:
        raise LotteryError("its first layer is a convolution: declare FUNCTION.input_shape = (channels, height, width)")
    return architecture


class _Build:
    """Builds a user's module, the same every time but for its weights."""

    def __init__(self, function: OwnFunction):
        self._function = function

    def __call__(self) -> nn.Module:
        return self.drawn(0)

    def drawn(self, seed: int) -> nn.Module:
        """Return the module with weights that begin from a seed."""
        try:
            with kept(seed):
                module = self._function()
        except Unusable as error:
            raise LotteryError(f"the function {error}") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it raises concerns this network alone
            raise LotteryError(f"the function {raised(error)}") from error
        if not isinstance(module, nn.Module):
            raise LotteryError(f"the function returned {type(module).__name__}, not a torch.nn.Module")
        return module


def _as_built(build: _Build) -> Any:
    @listed  # keys name it by the network's fingerprint
    def as_built(layer: Layer, generator: torch.Generator) -> Tensor:
        weight = build.drawn(whole_seed(generator)).get_submodule(layer.path).get_parameter("weight").detach()
        return weight.t().contiguous() if weight.dim() == 2 else weight.clone()

    return as_built
