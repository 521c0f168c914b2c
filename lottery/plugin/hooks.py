"""What pytest sees of the suite: its options, the fixture that judges, the outcomes, and what `-n auto` means.

An installation registers this module with every run of pytest in its environment, under the module's own name (see
pyproject.toml); in a checkout conftest.py asks for it. What a run of the benchmarks does stands in `Run`.
"""

import os
from itertools import product
from pathlib import Path

import pytest

from lottery.core.errors import LotteryError
from lottery.plugin import garbage, options, outcomes
from lottery.plugin.collection import claims_imported
from lottery.plugin.process import NAME
from lottery.plugin.run import Run

XDIST_WORKERS = "PYTEST_XDIST_AUTO_NUM_WORKERS"


def pytest_addoption(parser, pluginmanager):
    """Add the options, if a conftest.py loads the plugin; else `pytest_load_initial_conftests` does, later."""
    files = [getattr(plugin, "__file__", None) or "" for plugin in pluginmanager.get_plugins()]
    if any(Path(file).name == "conftest.py" for file in files):
        options.add(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser):
    """Add the options after everybody else's: a project whose conftest.py has a --device of its own keeps it."""
    result = yield
    options.add(parser)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config):
    """Add folders of claims before anybody asks what is to be collected."""
    try:
        options.add_claims(config)
    except LotteryError as error:
        raise pytest.UsageError(str(error)) from None
    return (yield)


def pytest_configure(config):
    if options.added(config):
        if options.claims_asked(config):
            garbage.pause()
            config.add_cleanup(garbage.resume)
        try:
            config.pluginmanager.register(Run(config), NAME)
        except LotteryError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_collection_finish():
    garbage.resume()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop():
    garbage.resume()  # of the controller of workers, which collects nothing
    return (yield)


@pytest.fixture
def judge(request):
    """Judge a claim: the verdict becomes the outcome of the test."""
    run = request.config.pluginmanager.get_plugin(NAME)
    if run is None:
        raise pytest.UsageError("claims cannot be judged: the plugin lottery.plugin.hooks is switched off")
    return lambda claim: run.judge(claim, request.node)


def pytest_generate_tests(metafunc):
    claim_of = getattr(metafunc.function, "claim_of", None) if claims_imported() else None
    if claim_of and options.added(metafunc.config):
        given = [options.own(metafunc.config, kind) for kind in metafunc.function.options]
        found = [claim_of(*(option.partition("=")[0] for option in one)) for one in product(*given)]
        claims = [claim for claim in found if claim is not None]
        metafunc.parametrize("claim", claims, ids=[claim.variant for claim in claims])


def pytest_report_teststatus(report):
    return outcomes.status(report)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    if not options.added(config) or not options.claims_asked(config) or os.environ.get(XDIST_WORKERS):
        return None  # pytest-xdist's own meaning: of tests, or as its environment variable says
    try:
        return options.workers(config)
    except LotteryError as error:
        raise pytest.UsageError(str(error)) from None
