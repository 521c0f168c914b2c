"""Values as plain data: the same for equal values in every process, or a refusal where that cannot be.

What a function is made of beside its source goes into keys this way: closures, defaults, the globals that it reads.
"""

import copyreg
import functools
import hashlib
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lottery.core.errors import LotteryError

SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), range)
CODE = (types.FunctionType, types.ModuleType, type)
Plain = Any  # of strings, lists of plain data, and nothing else


def bytes_digest(content: bytes) -> str:
    """Return a short hash of bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class Description:
    """Describes values; `code` describes the functions, classes and modules among them.

    An object that was met before is described by its number, so that circles end. Sets have no order that two processes
    share, so their items are met in the order of what each of them is `apart` from all others.
    """

    def __init__(self, code: Callable[[Any], Plain], apart: bool = False):
        self._code, self._apart = code, apart
        self._met: dict[int, tuple[int, object]] = {}  # by identity; the objects are kept alive, so that it is theirs

    def of(self, value: Any, name: str) -> Plain:
        """Return a value as plain data; raise if it has none, calling it by its name."""
        kind = type(value)
        if kind in SCALARS:
            return [kind.__name__, repr(value)]
        if isinstance(value, CODE):
            return self._code(value)
        if kind is tuple:
            return ["tuple", *(self.of(item, name) for item in value)]
        if kind is frozenset:
            return ["frozenset", *self._unordered(value, name)]
        if id(value) in self._met:
            return ["met", str(self._met[id(value)][0])]
        self._met[id(value)] = len(self._met), value
        if kind is set:
            return ["set", *self._unordered(value, name)]
        if kind in (list, dict):
            return [kind.__name__, *self._items(value, name)]
        return self._of_data(value, name) or self._of_callable(value, name) or self._of_object(value, name)

    def _items(self, value: Any, name: str) -> list[Plain]:
        if isinstance(value, dict):
            return [[self.of(key, name), self.of(item, f"{name}[{key!r}]")] for key, item in value.items()]
        return [self.of(item, name) for item in value]

    def _unordered(self, value: Any, name: str) -> list[Plain]:
        if self._apart:
            return sorted((self.of(item, name) for item in value), key=repr)
        return [self.of(item, name) for item in sorted(value, key=lambda item: repr(_apart(item, name)))]

    def _of_data(self, value: Any, name: str) -> Plain:
        """Return the contents of an array, a tensor or a compiled library; nothing for anything else."""
        numpy, torch, ctypes = (sys.modules.get(library) for library in ("numpy", "torch", "ctypes"))
        if torch and isinstance(value, torch.Tensor):
            try:
                flat = value.detach().cpu().contiguous().reshape(-1)
                content = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
            except Exception:  # sparse, quantised, on no device
                raise _refused(value, name) from None
            return ["tensor", str(value.dtype), str(tuple(value.shape)), bytes_digest(content)]
        if numpy and isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
            return ["array", value.dtype.str, str(value.shape), bytes_digest(value.tobytes())]
        if ctypes and isinstance(value, ctypes.CDLL):
            file = Path(value._name or "")
            return ["library", file.name, bytes_digest(file.read_bytes()) if file.is_file() else ""]
        return []

    def _of_callable(self, value: Any, name: str) -> Plain:
        """Return what a method or a wrapper holds; nothing for anything else."""
        if isinstance(value, types.MethodType):
            return ["method", self.of(value.__func__, name), self.of(value.__self__, name)]
        if isinstance(value, types.BuiltinFunctionType):
            bound = value.__self__
            free = bound is None or isinstance(bound, (types.ModuleType, type))
            return ["built in", str(value.__module__), value.__qualname__, [] if free else self.of(bound, name)]
        if isinstance(value, (staticmethod, classmethod, functools._lru_cache_wrapper)):
            return [type(value).__name__, self.of(value.__wrapped__, name)]
        if isinstance(value, functools.cached_property):
            return ["cached property", self.of(value.func, name)]
        if isinstance(value, property):
            return ["property", *(self.of(part, name) for part in (value.fget, value.fset, value.fdel))]
        return []

    def _of_object(self, value: Any, name: str) -> Plain:
        """Return what an object is rebuilt from when it is copied."""
        try:
            reduce = copyreg.dispatch_table.get(type(value))
            rebuilt = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # files, generators, locks, and whatever its class forbids
            raise _refused(value, name) from None
        if isinstance(rebuilt, str):
            return ["named", type(value).__module__, type(value).__qualname__, rebuilt]
        make, arguments, state, items, pairs = (*rebuilt, None, None, None)[:5]
        more = list(items or ()), dict(pairs or ())
        return ["object", *(self.of(part, name) for part in (type(value), make, arguments, state, *more))]


def _apart(value: object, name: str) -> Plain:
    """Return what an item of a set is, functions, classes and modules by their names alone."""
    return Description(lambda code: [str(getattr(code, of, "")) for of in ("__module__", "__name__")], True).of(
        value, name
    )


def _refused(value: object, name: str) -> LotteryError:
    kind = type(value)
    shown = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return LotteryError(
        f"{name} is a {shown}, which cannot be compared from run to run; "
        "let the function depend on numbers, text, arrays, tensors, and functions and classes of its own"
    )
