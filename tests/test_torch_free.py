"""What describes is free of torch: arms, claims, entries, options and benchmarks are read without importing it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    *(f"lottery.core.{name}" for name in ("errors", "later", "paths", "registry", "machine")),
    "lottery.store.store",
    "lottery.store.fingerprints",
    *(f"lottery.data.{name}" for name in ("tasks", "preprocessing", "stand_ins")),
    "lottery.masks.library",
    "lottery.models.architectures",
    "lottery.training.config",
    *(f"lottery.experiments.{name}" for name in ("arms", "experiment", "scales", "batch", "queue", "measurements")),
    *sorted(f"lottery.claims.{path.stem}" for path in (ROOT / "lottery" / "claims").glob("[a-z]*.py")),
    *(f"lottery.report.{name}" for name in ("results_table", "remarks", "files", "plan_table", "figures")),
    *sorted(f"lottery.plugin.{path.stem}" for path in (ROOT / "lottery" / "plugin").glob("[a-z]*.py")),
    *(f"lottery.cli.{name}" for name in ("main", "run", "show", "claims_list", "replay")),
    *sorted(f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("test_*.py")),
]
CONTROL = "lottery.masks.criteria"  # needs torch
IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name, "torch" in sys.modules)
    for module in [module for module in sys.modules if module.partition(".")[0] == "torch"]:
        del sys.modules[module]  # it was this module's doing, and is not the next one's
"""


@pytest.fixture(scope="module")
def with_torch() -> dict[str, str]:
    """Which of the modules imported torch, in a fresh interpreter that imports them one after the other."""
    command = [sys.executable, "-c", IMPORT, *MODULES, CONTROL]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", MODULES)
def test_imports_without_torch(with_torch, name):
    """A listing of the claims, and `lottery --help`, start without waiting for torch."""
    assert with_torch.get(name) == "False"


def test_the_check_can_fail(with_torch):
    """A module that computes does import it."""
    assert with_torch[CONTROL] == "True"
