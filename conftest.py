"""Makes the suite's plugin known to pytest, with or without an installation."""

from pathlib import Path

import pytest

import lottery

pytest_plugins = ["lottery.plugin.hooks"]


def pytest_configure(config):
    """Refuse to test another copy of the suite than this checkout's: plain `pytest` imports an installed one.

    Pytest also comes here where a checkout only holds what an option names, such as another run's results.
    """
    here, used = Path(__file__).resolve().parent, Path(lottery.__file__).resolve().parents[1]
    places = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    if used != here and any(place.is_relative_to(here) for place in places):
        raise pytest.UsageError(f"this checkout would be tested with the lottery in {used}; run python -m pytest here")
