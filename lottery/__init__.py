"""A reproducibility benchmark suite for the lottery-ticket literature.

PYTEST_DONT_REWRITE, for pytest: `lottery run` imports this package before it starts pytest, which would warn.
"""

__version__ = "0.1.0"
