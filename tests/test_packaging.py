"""Packaging: lower bounds and their pins, the plugin's entry point, a wheel's packages, and a test for every module."""

import configparser
import re
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

from lottery.plugin import hooks

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "lottery").rglob("*.py")
    if path.name != "__init__.py"
)
# Modules without a test file of their own name, and where they are tested instead.
ELSEWHERE = {
    "lottery.experiments.engine": "test_engine_version",
    "lottery.cli.report": "test_page",
    "lottery.jobs.executors": "test_jobs",
    "lottery.jobs.grouping": "test_jobs",
    "lottery.jobs.request": "test_jobs",
    "lottery.jobs.resources": "test_jobs",
    "lottery.jobs.slurm": "test_jobs",
    "lottery.jobs.table": "test_jobs",
    "lottery.jobs.task": "test_controller",
    "lottery.cli.show": "test_screen",
    "lottery.report.claim_details": "test_page",
    "lottery.report.claims_table": "test_page",
    "lottery.report.interval_picture": "test_page",
    "lottery.report.page_answer": "test_page",
    "lottery.report.pictures": "test_figures",
    "lottery.report.published_points": "test_figures",
    "lottery.report.charts.bars": "test_figures",
    "lottery.report.charts.chart": "test_charts",
    "lottery.report.charts.comparisons": "test_figures",
    "lottery.report.charts.context": "test_figures",
    "lottery.report.charts.intervals": "test_figures",
    "lottery.report.charts.learning": "test_figures",
    "lottery.report.charts.lines": "test_figures",
    "lottery.report.charts.masks": "test_mask_figures",
    "lottery.report.charts.planted": "test_figures",
    "lottery.report.charts.forest": "test_charts",
    "lottery.report.charts.theme": "test_charts",
    "lottery.report.annotations": "test_screen",
    "lottery.report.answer": "test_screen",
    "lottery.report.explanation": "test_screen",
    "lottery.report.interval_bar": "test_screen",
    "lottery.cli.gpu_checks": "test_check_gpu",
    "lottery.experiments.calibration": "test_speeds",
    "lottery.experiments.comparison_parts": "test_consensus_parts",
    "lottery.experiments.consensus_laws": "test_consensus_parts",
    "lottery.experiments.named_arms": "test_experiments",
    "lottery.masks.surveys": "test_mask_quantities",
    "lottery.masks.surroundings": "test_own_criteria_at_work",
    "lottery.store.sources": "test_own_criteria",
    "lottery.store.states": "test_own_state",
    "lottery.store.values": "test_own_state",
    "lottery.claims.coverage": "test_entries",
    "lottery.claims.expectation": "test_entries",
    "lottery.claims.fields": "test_entries",
    "lottery.claims.image_quantities": "test_quantities",
    "lottery.__main__": "test_run",
    "lottery.claims.chance": "test_exit_status",
    "lottery.claims.claim": "test_entries",
    "lottery.claims.comparison": "test_baselines",
    "lottery.claims.means": "test_statistics",
    "lottery.claims.failures": "test_rates",
    "lottery.claims.resolved": "test_scales",
    "lottery.claims.results": "test_results_table",
    "lottery.cli.baseline": "test_baselines",
    "lottery.cli.bench": "test_cli",
    "lottery.cli.convolutions_bench": "test_cli",
    "lottery.cli.main": "test_cli",
    "lottery.cli.scheduling_bench": "test_cli",
    "lottery.core.errors": "test_plugin",
    "lottery.models.randomness": "test_modules",
    "lottery.core.machine": "test_plugin",
    "lottery.core.paths": "test_data",
    "lottery.core.registry": "test_criteria",
    "lottery.data.catalogue": "test_data",
    "lottery.data.datasets": "test_data",
    "lottery.data.digits": "test_data",
    "lottery.data.made_tasks": "test_targets",
    "lottery.data.tasks": "test_targets",
    "lottery.experiments.action_parts": "test_experiments",
    "lottery.experiments.arms": "test_measurements",
    "lottery.experiments.batch": "test_worker",
    "lottery.experiments.computing": "test_experiments",
    "lottery.experiments.chain_masks": "test_experiments",
    "lottery.experiments.experiment": "test_experiments",
    "lottery.experiments.all_parts": "test_experiments",
    "lottery.experiments.keys": "test_fingerprints",
    "lottery.experiments.mask_parts": "test_experiments",
    "lottery.experiments.network_data": "test_data",
    "lottery.experiments.offers": "test_queue",
    "lottery.experiments.own_datasets": "test_own_networks",
    "lottery.experiments.parts": "test_experiments",
    "lottery.experiments.planted_reading": "test_search_part",
    "lottery.experiments.population": "test_search_part",
    "lottery.experiments.start_parts": "test_experiments",
    "lottery.masks.counting": "test_masks_library",
    "lottery.masks.files": "test_mask_files",
    "lottery.masks.library": "test_masks_library",
    "lottery.masks.mask": "test_similarity",
    "lottery.masks.module_scores": "test_pruning",
    "lottery.masks.module_weights": "test_pruning",
    "lottery.masks.own_code": "test_own_criteria",
    "lottery.masks.pruned_values": "test_experiments",
    "lottery.masks.reach": "test_effective",
    "lottery.masks.scores": "test_saliency",
    "lottery.masks.mask_statistics": "test_mask_statistics",
    "lottery.masks.starts": "test_holding",
    "lottery.models.cost": "test_architectures",
    "lottery.models.denormals": "test_fit",
    "lottery.models.evaluation": "test_oracle",
    "lottery.models.initialisers": "test_architectures",
    "lottery.models.layers": "test_architectures",
    "lottery.models.layout": "test_training",
    "lottery.models.losses": "test_model_contract",
    "lottery.models.matmul": "test_training",
    "lottery.models.model": "test_model_contract",
    "lottery.models.perceptrons": "test_model_contract",
    "lottery.models.residual": "test_model_contract",
    "lottery.models.task": "test_model_contract",
    "lottery.planting.planted_networks": "test_planting",
    "lottery.planting.readings": "test_search_part",
    "lottery.plugin.hooks": "test_plugin",
    "lottery.plugin.run": "test_plugin",
    "lottery.plugin.session": "test_planted_bugs",
    "lottery.plugin.work": "test_plugin",
    "lottery.report.mask_rows": "test_mask_figures",
    "lottery.report.planted_rows": "test_curves",
    "lottery.training.config": "test_fit",
    "lottery.training.data_order": "test_oracle",
    "lottery.training.observers": "test_fit",
    "lottery.training.optimiser": "test_fit",
    "lottery.training.schedules": "test_fit",
}


def bounds() -> dict[str, Version]:
    """Return the lower bound of everything that the suite, its figures and its tests need."""
    extras = PROJECT["project"]["optional-dependencies"]
    found: dict[str, Version] = {}
    for needed in [*PROJECT["project"]["dependencies"], *extras["figures"], *extras["test"]]:
        match = re.fullmatch(r"([a-z][a-z0-9-]*)>=(\d+(?:\.\d+)*)", needed)
        assert match, f"{needed} has no plain lower bound"
        assert found.setdefault(match[1], Version(match[2])) == Version(match[2]), f"{match[1]} has two lower bounds"
    return found


def test_lowest_pins_the_lower_bounds():
    """What `tox -e lowest` installs is what pyproject.toml promises, for every dependency and nothing else."""
    lines = (ROOT / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert len(pins) == len(bounds())
    assert {name: Version(version) for name, version in pins} == bounds()


def test_the_plugin_is_registered_under_its_own_name():
    """Only then does the conftest.py of a checkout find it registered already."""
    assert PROJECT["project"]["entry-points"]["pytest11"] == {hooks.__name__: hooks.__name__}


def test_every_folder_is_packaged():
    """Each folder of the package, and the claims and entries beside it, are in the wheel; nothing else is listed."""
    settings = PROJECT["tool"]["setuptools"]
    inside = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "lottery").rglob("*.py")}
    assert all((ROOT / folder.replace(".", "/") / "__init__.py").is_file() for folder in inside)
    assert sorted(settings["packages"]) == sorted(inside | set(settings["package-dir"]))
    assert all((ROOT / folder).is_dir() for folder in settings["package-dir"].values())


def test_the_site_is_built_with_what_its_extra_names():
    """tox installs that alone, without the suite and its torch."""
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert tox["testenv:docs"]["deps"].split() == PROJECT["project"]["optional-dependencies"]["docs"]


def test_the_tests_that_tox_names_exist():
    """Those that run on the lowest versions."""
    named = re.findall(r"tests/test_\w+\.py", (ROOT / "tox.ini").read_text(encoding="utf-8"))
    assert named and all((ROOT / name).is_file() for name in named)


def names(test: Path, module: str) -> bool:
    """Return whether a test file imports a module."""
    parent, _, name = module.rpartition(".")
    ways = rf"(from|import) {re.escape(module)}\b|from {re.escape(parent)} import [^\n]*\b{name}\b"
    return test.is_file() and re.search(ways, test.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_tested(module):
    """By a test file of its own name that imports it, or where `ELSEWHERE` says."""
    own = ROOT / "tests" / f"test_{module.rpartition('.')[2]}.py"
    assert names(own, module) or (ROOT / "tests" / f"{ELSEWHERE.get(module, 'nowhere')}.py").is_file()


def test_nothing_is_tested_elsewhere_that_is_gone():
    """The list is kept up to date."""
    assert not set(ELSEWHERE) - set(MODULES)
