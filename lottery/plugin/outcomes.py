"""Outcomes of claims' tests: what pytest is told of a result, by the test's outcome, its words and its properties."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

PROPERTIES = ("verdict", "estimate", "interval", "region", "unit", "expected_verdict", "analogue", "n", "seconds",
              "test")  # fmt: skip  # of a result that `--junitxml` has
OF_PARTS = ("estimate", "interval", "region")  # of these, what a conjunction has in its parts alone
DEVIATES = ("deviates", "not counted")  # a property of a test that passes all the same


def settle(item: pytest.Item, result: Mapping[str, Any]) -> None:
    """Give a claim's test its properties, and the outcome that belongs to the verdict."""
    from lottery.claims import judging

    item.user_properties += properties(result)
    if result["verdict"] == "skipped":
        pytest.skip(result["reason"])
    if result["verdict"] == "error":
        pytest.fail(result["reason"], pytrace=False)
    if judging.fails(result, result["counts"]):
        pytest.fail(failure(result), pytrace=False)
    if judging.deviates(result):
        item.user_properties.append(DEVIATES)


def properties(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a result's properties for `--junitxml`: texts as they are, all else as JSON, of a conjunction by part."""
    found = {name: result[name] for name in PROPERTIES}
    if result["parts"]:
        found |= {name: {part["name"]: part[name] for part in result["parts"]} for name in OF_PARTS}
    known = {name: value for name, value in found.items() if value not in (None, "")}
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in known.items()]


def failure(result: Mapping[str, Any]) -> str:
    """Return why a claim's test fails whose verdict is not the expected one; of an exact claim, what was computed."""
    from lottery.report.results_table import one_more, ours

    found = f"{ours(result) or result['reason']}{one_more(result)}, expected {result['expected_verdict']}"
    return f"{result['verdict']}: {found}. {result['statement']}"


def status(report: pytest.TestReport) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
    """Return how pytest counts and shows a claim's test that passed, by its properties; None of any other test."""
    if report.when == "call" and report.passed:
        if DEVIATES in report.user_properties:
            return "deviating, not counted", "d", ("DEVIATES", {"yellow": True})
        if ("verdict", "inconclusive") in report.user_properties:
            return "inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})
        for verdict in ("reproduced", "refuted"):  # as expected
            if ("verdict", verdict) in report.user_properties:
                return "passed", ".", (verdict.upper(), {"green": True})
    return None
