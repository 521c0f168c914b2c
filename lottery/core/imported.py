"""Imports that wait until they are needed, of what takes long to import and few runs use."""

import importlib
from typing import Any


class Imported:
    """What a module has under a name; the module is imported when it is first called, or asked for an attribute."""

    def __init__(self, module: str, name: str):
        self._module, self._name = module, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return what the function returns."""
        return self._found()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what looks at anything, such as inspect, asks for these
            raise AttributeError(name)
        return getattr(self._found(), name)

    def _found(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)
