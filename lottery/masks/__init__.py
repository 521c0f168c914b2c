"""Masks: which weights of a network are kept; for any `torch.nn.Module`, without the suite (docs/masks.md)."""

from lottery.masks.library import __all__, __dir__, __getattr__  # noqa: F401  # names are imported when they are used
