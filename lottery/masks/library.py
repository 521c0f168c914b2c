"""The library of masks: what `lottery.masks` offers for any module, each name imported when it is first used.

A name is the function's own, except where a module has that name already. Arguments are checked around it.
"""

from functools import cache
from importlib import import_module
from typing import Any

FUNCTIONS = {
    "pruning": "prune",
    "module_weights": "prunable",
    "starts": "snapshot",
    "holding": "apply rewind keep_pruned from_torch from_zeros",
    "counting": "sparsity",
    "similarity": "jaccard distance overlap hamming nested pairwise",
    "consensus": "votes union intersection agreed",
    "nulls": "uniform layerwise initial_magnitude hypergeometric chance_jaccard excess",
    "alignment": "align permuted",
    "files": "save load notes digest",
}
RENAMED = {
    "compare": ("similarity", "similarity"),
    "k_of_n": ("consensus", "consensus"),
    "effective_masks": ("effective", "effective"),
}
NAMES = {name: (module, name) for module, names in FUNCTIONS.items() for name in names.split()} | RENAMED

__all__ = sorted(NAMES)


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"lottery.masks has no {name!r}; it has {', '.join(NAMES)}")
    return _function(name)


@cache
def _function(name: str) -> Any:
    """Return a function of the library: always the same one."""
    from lottery.masks.arguments import told

    module, attribute = NAMES[name]
    return told(getattr(import_module(f"lottery.masks.{module}"), attribute), name)


def __dir__() -> list[str]:
    return __all__
