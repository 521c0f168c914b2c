"""Registries: functions of one kind by name, each called with just the arguments that it names."""

import functools
import inspect
from collections.abc import Callable, Container
from typing import Any

from lottery.core.errors import LotteryError


@functools.cache
def _arguments(function: Callable) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def check_named(function: Callable, offered: str) -> None:
    """Raise where a function does not name what it asks for, by which it is given: `offered` says what there is."""
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind == parameter.VAR_POSITIONAL else "**"
            raise LotteryError(f"takes {stars}{name}, which does not say what it asks for; name that, {offered}")
        if parameter.kind == parameter.POSITIONAL_ONLY:
            raise LotteryError(f"takes {name} by its place alone, and is given it by name; leave out the / behind it")


def no_default(function: Callable, offered: Container[str]) -> str:
    """Return, as the end of a message, where an argument belongs that has a default and is not offered; else ''."""
    parameters = inspect.signature(function).parameters.values()
    found = [one.name for one in parameters if one.default is not one.empty and one.name not in offered]
    return f"; set {', '.join(found)} above the function instead, as a global of its file" if found else ""


class Registry(dict[str, Callable]):
    """Functions of one kind by name. Used as a decorator it registers a function under its own name.

    `what` is the kind in messages, `plural` its plural, `arguments` what functions of the kind may ask for, by name.
    """

    def __init__(self, what: str, plural: str, arguments: tuple[str, ...]):
        super().__init__()
        self.what, self.plural, self.arguments = what, plural, arguments

    def __call__(self, function: Callable) -> Callable:
        self.add(function.__name__, function)
        return function

    def add(self, name: str, function: Callable) -> None:
        """Register a function under a name; raise if it asks for something that is not offered, or does not name it."""
        offered = f"a {self.what} can ask for {', '.join(self.arguments)}, by these names"
        try:
            check_named(function, offered)
        except LotteryError as error:
            raise LotteryError(f"{self.what} {name!r} {error}") from None
        unknown = [argument for argument in _arguments(function) if argument not in self.arguments]
        if unknown:
            raise LotteryError(
                f"{self.what} {name!r} asks for {', '.join(unknown)}; {offered}{no_default(function, self.arguments)}"
            )
        self[name] = function

    def find(self, name: str) -> Callable:
        """Return the function of this name, or raise with the names there are."""
        try:
            return self[name]
        except KeyError:
            raise LotteryError(
                f"there is no {self.what} {name!r}; the {self.plural} are {', '.join(sorted(self))}"
            ) from None

    def asks(self, name: str, argument: str) -> bool:
        """Return whether the function of this name asks for an argument."""
        return argument in _arguments(self.find(name))

    def call(self, name: str, **offered: object) -> Any:
        """Return what the function of this name makes of the arguments that it asks for."""
        function = self.find(name)
        return function(**{argument: offered[argument] for argument in _arguments(function)})
