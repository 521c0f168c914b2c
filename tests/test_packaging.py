"""Packaging: bounds and their pins, and that every wing travels in the wheel."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = CONFIGURATION["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _release(version: str) -> tuple[int, ...]:
    """Return a version's numbers without zeros at the end, for 8 is 8.0.0."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _versions(requirements, sign: str) -> dict[str, tuple[int, ...]]:
    """Return the versions of requirements that are written as name, sign, version."""
    written = [re.fullmatch(rf"([\w-]+){sign}([\d.]+)", requirement) for requirement in requirements]
    assert all(written), requirements
    return {match[1]: _release(match[2]) for match in written}


def test_lowest_pins_are_the_lower_bounds():
    """`tox -e lowest` installs exactly what pyproject.toml promises to work with."""
    bounds = _versions({*PROJECT["dependencies"], *EXTRAS["figures"], *EXTRAS["test"]}, ">=")
    lines = [line for line in (ROOT / "lowest.txt").read_text().splitlines() if not line.startswith("#")]
    assert _versions(lines, "==") == bounds


def test_every_dependency_has_a_lower_bound():
    """Tools of developers have one, too."""
    assert _versions((one for one in EXTRAS["dev"] if one != "lottery[test]"), ">=")


def test_all_packages_are_listed():
    """setuptools is told each package by name, since two of them come from elsewhere; none may be forgotten."""
    wings = {f"lottery.{file.parent.name}" for file in (ROOT / "lottery").glob("*/__init__.py")}
    listed = set(CONFIGURATION["tool"]["setuptools"]["packages"])
    assert listed == {"lottery", "lottery.benchmarks", "lottery.expected"} | wings


def test_the_layers_name_all_wings():
    """A new wing has to take its place among the layers."""
    wings = {file.parent.name for file in (ROOT / "lottery").glob("*/__init__.py")}
    layers = next(one for one in CONFIGURATION["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    assert set(layers["layers"]) == wings
