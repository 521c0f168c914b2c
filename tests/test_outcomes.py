"""What pytest is told of a claim's result: properties, and the words of a failure."""

import json

from lottery.plugin.outcomes import failure, properties
from tests.result_helpers import result


def test_properties_are_texts_or_json():
    """An interval without an end too; of a conjunction by the names of its parts, which alone have numbers."""
    alone = dict(properties(result(interval=[0.5, None], region=None, seconds=1.5)))
    assert alone["verdict"] == "reproduced" and alone["analogue"] == "true" and "region" not in alone
    assert json.loads(alone["interval"]) == [0.5, None] and json.loads(alone["estimate"]) == 85.55
    part = {"estimate": 1.5, "interval": [1.0, 2.0], "region": [0.0, None]}
    both = result(estimate=None, interval=None, region=None, parts=[{"name": "a", **part}, {"name": "b", **part}])
    told = dict(properties(both))
    for name, value in part.items():
        assert json.loads(told[name]) == {"a": value, "b": value}


def test_a_failed_exact_claim_says_what_was_computed():
    """It has no estimate; others say that."""
    exact = result(kind="exact", estimate=None, interval=None, prediction=None, verdict="refuted", reason="computed 3")
    assert failure(exact) == "refuted: computed 3, expected reproduced. It holds."
    assert failure(result(verdict="refuted")).startswith("refuted: 85.5 [84.0, 87.1] %; one more seed ")
