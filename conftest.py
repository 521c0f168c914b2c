"""Makes the suite's plugin known to pytest, with or without an installation."""

pytest_plugins = ["lottery.plugin.hooks"]
