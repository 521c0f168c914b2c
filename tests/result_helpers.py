"""A result and a report as a run has them, for the tests of what is made of them."""

from lottery.claims.results import SCHEMA


def result(id="zhou2019.claim[lenet-300-100]", **changes):
    """Return a result as a run has it."""
    default = {
        "id": id,
        "paper": id.partition(".")[0],
        "title": "Zhou et al. 2019",
        "number": "12",
        "kind": "effect",
        "statement": "It holds.",
        "source": "section 3",
        "published": {"value": 86, "unit": "%", "provenance": "abstract"},
        "network": "lenet-300-100",
        "trained_network": "lenet-96-48",
        "dataset": "digits",
        "data_fingerprint": "f00",
        "tasks": {},
        "scale": "tiny",
        "analogue": True,
        "metric": "test accuracy",
        "unit": "%",
        "region": [80, None],
        "estimate": 85.55,
        "interval": [84.0, 87.1],
        "confidence": 0.9,
        "prediction": [83.0, 88.1],
        "failed": [],
        "side": "",
        "aside": "",
        "n": 3,
        "seeds": [0, 1, 2],
        "effects": [85.0, 85.5, 86.15],
        "p_inside": 0.001,
        "p_outside": 0.999,
        "parts": [],
        "beside": [],
        "verdict": "reproduced",
        "expected_verdict": "reproduced",
        "expected_basis": "",
        "expected_because": "",
        "expected_since": "",
        "changes": 0,
        "question": "0000-0000-0000-0000-0000-0000",
        "reason": "",
        "seconds": 1.25,
        "devices": ["cpu"],
        "devices_mixed": False,
        "arms": {},
        "levels": {},
        "changed": "",
        "negative_control": False,
        "doubt": "",
        "own": "",
        "replaced": [],
        "counts": True,
        "iterations": 600,
        "optimiser": "adam",
        "learning_rate": 0.0012,
        "letter": "Z",
        "numbers": 34,
        "headline": "",
        "asked_at": ["tiny", "reduced", "paper"],
        "region_because": "The paper prints it.",
        "analogue_because": "Digits are images, too.",
        "test": "benchmarks/test_zhou_2019.py:7",
        "inputs": {},
        "code": [],
        "rests_on": [],
    }
    return default | changes


def ground(arm="large_final", rounds=(7,), read=True, **changes):
    """Return what a result says of an arm that its claim rests on."""
    trained = {"network": "lenet-96-48", "dataset": "digits", "iterations": 600, "optimiser": "adam"}
    rates = {"learning_rate": 0.01, "momentum": 0.0}
    return {"arm": arm, **trained, **rates, "rounds": list(rounds), "read": read} | changes


def whole(*results):
    """Return a report of these results."""
    return {
        "schema": SCHEMA,
        "version": "0.1.0",
        "commit": "",
        "command": [],
        "scale": "tiny",
        "started": "2026-11-29T12:00:00+00:00",
        "seconds": 2.0,
        "trained_steps": 1200,
        "environment": {"device": "cpu", "precision": "float32", "torch": "2.14.1"},
        "no_verdict": [],
        "claims": list(results),
        "criteria": [],
        "treatments": [],
        "networks": [],
        "code": {},
        "baseline": None,
        "replaced": {},
        "scoreboard": [],
        "costs": {},
        "exit_status": 0,
        "remarks": [],
    }


def cell(name="mine", difference=0.1, interval=(-0.2, 0.4), state="equal", **changes):
    """Return a cell of the scoreboard as a run has it."""
    default = {
        "question": "own_criterion.beats_random",
        "statement": "It beats random masks.",
        "network": "",
        "contest": "criterion",
        "name": name,
        "own": name not in ("large_final", "magnitude_increase", "random"),
        "unit": "pp",
        "margin": 1.5,
        "estimate": 4.5,
        "interval": [4.0, 5.0],
        "difference": difference,
        "difference_interval": interval and list(interval),
        "n": 3,
        "effects": [0.0, 0.1, 0.2],
        "failed": [],
        "clouded": False,
        "state": state,
        "reason": "",
    }
    return default | changes
