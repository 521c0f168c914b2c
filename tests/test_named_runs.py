"""Named runs: every command that a screen suggests is about the run that it shows."""

import json
from pathlib import Path
from shlex import split
from types import SimpleNamespace

import pytest

from lottery.cli.main import main
from lottery.plugin.run_report import RunReport
from lottery.report.explanation import explanation
from lottery.report.screen import screen
from tests.result_helpers import result, whole

REPORT = whole(
    *[result(f"zhou2019.a{n}[x]", verdict="refuted", number=str(n)) for n in range(20)],
    *[result(f"zhou2019.b{n}[x]", verdict="refuted", counts=False) for n in range(5)],
    *[result(f"zhou2019.c{n}[x]", verdict="inconclusive", reason="open") for n in range(5)],
    result("zhou2019.d[x]", verdict="skipped", asked_at=[], reason="nothing can be found", estimate=None),
    result("zhou2019.e[x]", verdict="skipped", asked_at=["paper"], reason="too large"),
    result("zhou2019.f[x]", verdict="skipped", reason="budget"),
)


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("run", ["", "elsewhere", "'two words'", "/a/folder/" + "with/a/rather/long/name/" * 10])
def test_a_screen_names_its_run(width, run):
    """Where the name is too long for its lines, RUN stands for it, and the last lines say what that is."""
    lines = [line.text for line in screen(REPORT, width, run)]
    commands = [split(line.partition("lottery show")[2]) for line in lines if "lottery show" in line]
    assert [command[-1] for command in commands] == ["--unexpected", "--refuted", "--inconclusive", "--no-scale"]
    named = split(run) if len(run) <= width - 60 else ["RUN"]
    assert all(command[:-1] == named for command in commands) and max(map(len, lines)) <= width
    last = "".join(line.strip() for line in lines).partition("RUN is ")[2]
    assert last == (run if named == ["RUN"] else "")


def test_an_explanation_names_its_run():
    """So that the numbers that are checked are the numbers shown."""
    one = result()
    assert "lottery replay 'claim[lenet-300-100]' elsewhere, which" in explanation(one, whole(one), 100, "elsewhere")
    assert "lottery replay 'claim[lenet-300-100]', which" in explanation(one, whole(one), 100)


def test_commands_name_the_run_that_they_were_given(capsys, tmp_path, monkeypatch):
    """Nothing is named of the latest run in `results`, which is what they take anyway."""
    monkeypatch.chdir(tmp_path)
    for folder, given in (("results", []), ("mine", ["mine"])):
        run = Path(folder, "2026-11-29-120000-tiny")
        run.mkdir(parents=True)
        (run / "results.json").write_text(json.dumps(REPORT))
        main(["show", *given])
        main(["explain", "a1", *given])
        told = capsys.readouterr().out
        for command in ("lottery show{} --no-scale", "lottery replay 'a1[x]'{}, which"):
            assert command.format("".join(f" {name}" for name in given)) in told


def test_a_claim_that_a_run_lacks_is_found_in_the_newest_that_has_it(capsys, tmp_path, monkeypatch):
    """As after a run of one claim: the message names both runs. Runs that cannot be read are passed over."""
    monkeypatch.chdir(tmp_path)
    for hour, text in enumerate([json.dumps(REPORT), json.dumps(REPORT), "{}", json.dumps(whole(result()))]):
        run = Path("results", f"2026-11-29-{hour:02}0000-tiny")
        run.mkdir(parents=True)
        (run / "results.json").write_text(text)
    Path("results", "latest").symlink_to(run.name)
    for command, given in (("explain", []), ("replay", ["results/latest/results.json"]), ("explain", [str(run)])):
        assert main([command, "a1", *given]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"ERROR: {run} has 1 claim, none of which is called 'a1'; ")
        assert said.endswith("results/2026-11-29-010000-tiny has it: name that run behind the claim\n")
    main(["explain", "nowhere"])
    assert capsys.readouterr().err.endswith(
        "is called 'nowhere'; `lottery list` has all names and numbers, lottery run -k takes either\n"
    )


@pytest.mark.parametrize(
    "folder, interrupted, named",
    [
        ("results", False, ""),
        ("results", True, "results/one"),  # it is not the latest that came to its end
        ("two words", False, "'two words'"),
        ("/elsewhere", False, "/elsewhere"),
        ("/elsewhere", True, "/elsewhere/one"),
    ],
)
def test_a_run_says_where_it_is(folder, interrupted, named):
    """Its folder of runs, or its own folder where another run is the latest there."""
    run = SimpleNamespace(results_folder=Path(folder), written=Path(folder, "one"), interrupted=interrupted)
    assert RunReport.named_run(run) == named


def test_what_no_scale_asks_is_found(capsys, tmp_path):
    """And nothing else that was not asked."""
    (tmp_path / "results.json").write_text(json.dumps(REPORT))
    assert main(["show", str(tmp_path), "--no-scale"]) == 0
    assert capsys.readouterr().out == "Z12   d[x]  skipped\n      nothing can be found\n"
