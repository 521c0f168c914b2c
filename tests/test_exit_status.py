"""Exit status: deviations that chance explains do not count, others do."""

import pytest

from lottery.claims.exit_status import counts


def result(id, verdict, expected="reproduced", p_inside=0.5, p_outside=0.5, kind="effect"):
    return {
        "id": id,
        "verdict": verdict,
        "expected_verdict": expected,
        "p_inside": p_inside,
        "p_outside": p_outside,
        "kind": kind,
    }


QUIET = [result(f"quiet{i}", "reproduced", p_inside=0.01, p_outside=0.99) for i in range(20)]


@pytest.mark.parametrize(
    "deviating, count",
    [
        (result("x", "refuted", p_inside=1.0, p_outside=1e-6), True),
        (result("x", "refuted", p_inside=1.0, p_outside=0.03), False),  # one in thirty, among 21 claims
        (result("x", "reproduced", "refuted", p_inside=1e-6, p_outside=1.0), True),
        (result("x", "reproduced", "inconclusive", p_inside=1e-6, p_outside=1.0), True),
        (result("x", "reproduced", "inconclusive", p_inside=0.03, p_outside=0.97), False),
        (result("x", "refuted", "any", p_inside=1.0, p_outside=1e-6), False),
        (result("x", "inconclusive"), False),
        (result("x", "refuted", p_inside=1.0, p_outside=0.0, kind="exact"), True),
    ],
)
def test_what_counts_among_twenty_quiet_claims(deviating, count):
    """Holm's procedure over all tested claims decides, by p-values of expected verdicts; exact ones know no chance."""
    assert counts([*QUIET, deviating]) == ({"x"} if count else set())


def test_exact_claims_do_not_dilute_the_family():
    """However many exact claims there are, the level for the others stays what it is."""
    exact = [result(f"exact{i}", "reproduced", p_inside=0.0, p_outside=1.0, kind="exact") for i in range(100)]
    assert counts([result("x", "refuted", p_inside=1.0, p_outside=0.03), *exact]) == {"x"}


def test_a_claim_without_p_values_is_left_out():
    """Skipped and diverged claims were not tested."""
    assert counts([result("x", "skipped", p_inside=None, p_outside=None)]) == set()
