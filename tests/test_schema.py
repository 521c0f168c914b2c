"""The schema of results.json: what the plugin writes is what others are told to expect."""

import json
from importlib.resources import files

import jsonschema
import pytest

from lottery.cli.main import main
from tests import test_plugin

suite, shared_store = test_plugin.suite, test_plugin.shared_store  # fixtures
SCHEMA = json.loads((files("lottery.claims") / "results.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_every_field_is_described():
    """In words, at the field itself or where it is defined; and every field is required."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for where in (SCHEMA, *SCHEMA["$defs"].values()):
        assert set(where.get("required", ())) == set(where.get("properties", ()))
        for name, field in where.get("properties", {}).items():
            assert "description" in field or "description" in SCHEMA["$defs"][field["$ref"].rpartition("/")[2]], name


def test_what_a_run_writes_is_valid(suite):
    """Every kind of claim, skipped ones, an own criterion, a comparison with a baseline; nothing more, nothing less."""
    (suite.path / "mine.py").write_text("def score(w_init, w_final):\n    return (w_final - w_init).abs()\n")
    assert suite("--results=before", "-k", "learns or both").ret == 0
    assert main(["baseline", str(suite.path / "before"), str(suite.path / "tables")]) == 0
    assert suite("--criterion=mine=mine.py:score", "--baseline=tables").ret == 0
    report = test_plugin.results(suite)
    VALIDATOR.validate(report)
    assert report["criteria"] and {move["state"] for move in report["baseline"]["moves"]} == {"same"}
    assert {claim["kind"] for claim in report["claims"]} == {"effect", "proportion", "exact", "conjunction"}
    for where in (report, report["claims"][0], next(claim for claim in report["claims"] if claim["parts"])["parts"][0]):
        where["surprise"] = 1
        assert not VALIDATOR.is_valid(report)
        del where["surprise"]
        for name, value in list(where.items()):
            del where[name]
            assert not VALIDATOR.is_valid(report), name
            where[name] = value


@pytest.mark.parametrize("verdict", ["proven", None])
def test_a_wrong_value_is_found(verdict):
    """Whatever is no verdict."""
    outcome = {"$ref": "#/$defs/verdict", "$defs": SCHEMA["$defs"]}
    assert not jsonschema.Draft202012Validator(outcome).is_valid(verdict)
