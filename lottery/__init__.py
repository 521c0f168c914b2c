"""A reproducibility benchmark suite for the lottery-ticket literature."""

__version__ = "0.1.0"
