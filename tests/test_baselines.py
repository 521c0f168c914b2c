"""Baselines: comparisons with an earlier run, and the tables that keep one."""

import json
from pathlib import Path

import pytest

from lottery.claims import comparison, entries
from lottery.claims.baselines import (
    Baseline,
    Table,
    committed,
    of_scale,
    read,
    read_run,
    read_tables,
    rounded,
    rows_of,
    stored,
    written,
)
from lottery.claims.baselines import write as write_report
from lottery.claims.history import asked_of
from lottery.claims.judging import deviates
from lottery.claims.results import SCHEMA
from lottery.cli.main import main
from lottery.core.errors import LotteryError
from lottery.plugin.run_report import RunReport
from tests.result_helpers import result
from tests.test_entries import GOOD
from tests.test_entries import read as read_entries

BASELINES = Path(__file__).parent.parent / "expected" / "baselines"
THIRDS = [1 / 3, -2 / 3e5, None, 123456.789]


def parts(*effects):
    shared = {"kind": "effect", "verdict": "reproduced", "estimate": 0.0, "n": 3}
    return [{"name": f"part{i}", "effects": list(values), **shared} for i, values in enumerate(effects)]


def run(path, *claims, scale="tiny", started="2026-11-21T19:05:22+00:00"):
    """Return the file of a run's results."""
    machine = {"device": "cpu (some)", "precision": "float32", "torch": "2.15.0"}
    claims = [claim | {"scale": scale} for claim in claims]
    about = {"schema": SCHEMA, "scale": scale, "started": started, "environment": machine, "code": {}}
    about |= {"exit_status": 0, "remarks": []}
    report = about | {"claims": claims, "criteria": [], "treatments": [], "networks": []}
    path.write_text(json.dumps(report))
    return path


def write(file, folder):
    """Return the tables of a folder into which a run was written."""
    return write_report(read_run(file), lambda paper: folder)


class TestComparison:
    def compare(self, now, before, stored=False):
        rows = [row._replace(effects=tuple(map(rounded, row.effects))) if stored else row for row in rows_of(before)]
        return comparison.compare([now], Baseline({before["id"]: rows}, stored))

    def test_identical(self):
        """Bit-equal effects are the same, whatever the seconds."""
        assert self.compare(result(seconds=9.0), result())[0]["state"] == "same"

    def test_digits(self):
        """The last bit counts against a results.json, what a table shows counts against both."""
        now = result(effects=[0.1 + 0.2, 1 / 3])
        assert self.compare(now, result(effects=[0.3, 1 / 3]))[0]["state"] == "moved"
        assert self.compare(now, result(effects=[0.3, 1 / 3]), stored=True)[0]["state"] == "same"
        assert self.compare(now, result(effects=[0.300001, 1 / 3]), stored=True)[0]["state"] == "moved"

    def test_moved_within_noise(self):
        """A difference that the seeds do not agree on is no drift."""
        assert self.compare(result(effects=[85.1, 85.4, 86.2]), result())[0]["state"] == "moved"

    def test_drifted(self):
        """A shift that all seeds share is."""
        move = self.compare(result(effects=[83.0, 83.6, 84.1]), result())[0]
        assert move["state"] == "drifted" and move["move"] == pytest.approx(-1.983, abs=1e-3)
        assert move["p"] == move["adjusted"] < 0.01 and move["interval"][1] < -1.8

    def test_rounding_is_no_drift(self):
        """What another machine brings all seeds may agree on; it is told as what it is, and any larger shift is not."""
        effects = [85.0, 85.5, 86.15]
        for shift, state in ((1e-4, "moved"), (0.1, "drifted")):
            now = result(effects=[effect + shift * (1 + seed / 100) for seed, effect in enumerate(effects)])
            (move,) = self.compare(now, result(effects=effects))
            assert (move["state"], bool(move["reason"])) == (state, state == "moved") and move["p"] < 0.01

    def test_among_many_a_small_move_is_chance(self):
        """Holm's procedure over all that moved."""
        seeds = [85.0, 85.5, 86.15]
        many = [
            result(f"zhou2019.c{n}[x]", effects=[one + 1 + 0.2 * seed for seed, one in enumerate(seeds)])
            for n in range(9)
        ]
        before = {one["id"]: rows_of(one | {"effects": seeds}) for one in many}
        alone, among = (comparison.compare(some, Baseline(before, False)) for some in (many[:1], many))
        assert alone[0]["state"] == "drifted" and {move["state"] for move in among} == {"moved"}
        assert among[0]["adjusted"] == pytest.approx(9 * alone[0]["p"])

    @pytest.mark.parametrize(
        "name, told",
        [
            ("scale", "another scale"),
            ("metric", "another metric"),
            ("trained_network", "another network"),
            ("dataset", "another data set"),
            ("data_fingerprint", "other data"),
        ],
    )
    def test_not_comparable(self, name, told):
        """Other data or another network are no baseline, and the reason says which it is."""
        move = self.compare(result(**{name: "bar"}), result())[0]
        assert move["state"] == "not comparable" and move["reason"] == told

    @pytest.mark.parametrize(
        "place, reason", list(enumerate(["kind", "", "", "", "rounds, shares or iterations", "needs or"]))
    )
    def test_another_question_has_other_numbers(self, place, reason):
        """Of other rounds, or of another training; other words and another region ask the same numbers."""
        digits = ["0000"] * 6
        digits[place] = "0001"
        (move,) = self.compare(result(question="-".join(digits)), result())
        assert move["state"] == ("not comparable" if reason else "same")
        assert reason in move["reason"] and self.compare(result(question=""), result())[0]["state"] == "same"

    def test_what_neither_answered_is_left_out(self):
        """What one of them alone did says so; code that failed is no number."""
        skipped = result(verdict="skipped", reason="needs mnist", effects=[])
        assert self.compare(skipped, skipped) == []
        assert self.compare(skipped, result())[0]["reason"] == "needs mnist"
        assert self.compare(result(), skipped)[0]["reason"] == "not asked before"
        assert self.compare(result(verdict="error", reason="it raised"), result())[0]["reason"] == "it raised"
        exact = {"kind": "exact", "effects": [], "estimate": None, "interval": None}
        (move,) = self.compare(result(**exact), result(**exact, verdict="error", reason="it raised"))
        assert (move["state"], move["reason"], move["p"]) == ("not comparable", "an error before", None)

    def test_data_of_all_tasks_are_compared(self):
        """A claim about several data sets, of which one is another."""
        before, now = ({"mnist": "f00", "kmnist": digest} for digest in ("f01", "f02"))
        move = self.compare(result(tasks=now), result(tasks=before))[0]
        assert move["state"] == "not comparable" and move["reason"] == "other data"
        assert self.compare(result(tasks=now), result(tasks=now))[0]["state"] == "same"

    def test_parts_are_compared_one_by_one(self):
        """A conjunction drifts by its parts, by name and not by place."""
        now = result(effects=[], parts=parts([1.0, 1.1, 0.9], [5.0, 5.1, 5.2])[::-1])
        before = result(effects=[], parts=parts([1.0, 1.1, 0.9], [1.0, 1.2, 1.1]))
        assert [move["state"] for move in self.compare(now, before)] == ["same", "drifted"]
        assert self.compare(now, result(effects=[], parts=parts([1.0, 1.1])))[0]["reason"] == "other parts"

    def test_a_skipped_conjunction_did_not_drift(self):
        """What a budget left out has no parts, which is no verdict against the baseline."""
        before, now = result(effects=[], parts=parts([1.0, 1.1])), result(effects=[], verdict="skipped")
        assert [move["state"] for move in self.compare(now, before)] == ["not comparable"]

    def test_an_exact_claim_is_compared_by_its_verdict(self):
        """No effects, but a verdict that can change."""
        exact = {"kind": "exact", "effects": []}
        assert self.compare(result(**exact), result(**exact))[0]["state"] == "same"
        assert self.compare(result(**exact, verdict="refuted"), result(**exact))[0]["state"] == "drifted"


class TestTables:
    @pytest.fixture
    def folder(self, tmp_path):
        """Tables of two claims of one paper, one with parts, and one of another."""
        odd = result("a2020.odd[x]", number="S2", effects=THIRDS)
        both = result("a2020.both[x]", number="S10", effects=[], estimate=None, parts=parts(THIRDS, [0]))
        write(run(tmp_path / "results.json", both, odd, result("b2021.c[x]", effects=[])), tmp_path / "tables")
        return tmp_path / "tables"

    def test_round_trip(self, folder):
        """Every field comes back, effects to the stored digits, missing ones too; sorted as the results table."""
        claims = read(folder).claims
        assert list(claims) == ["a2020.odd[x]", "a2020.both[x]", "b2021.c[x]"]
        for claim in json.loads((folder.parent / "results.json").read_text())["claims"]:
            for row, before in zip(claims[claim["id"]], rows_of(claim), strict=True):
                estimate = None if before.estimate is None else float(f"{before.estimate:.4g}")
                effects = tuple(map(rounded, before.effects))
                assert row == before._replace(estimate=estimate, effects=effects)
        head = "# measured 2026-11-21T19:05:22+00:00 at scale tiny on cpu (some), float32, torch 2.15.0\nid,part,"
        assert (folder / "a2020.csv").read_text().startswith(head)

    def test_a_run_is_the_same_as_its_own_tables(self, folder):
        """Every claim and part."""
        results = json.loads((folder.parent / "results.json").read_text())["claims"]
        assert [move["state"] for move in comparison.compare(results, read(folder))] == ["same"] * 4

    def test_merging(self, folder, tmp_path):
        """A run replaces the rows of its claims and leaves others, tables of other papers included."""
        other = (folder / "b2021.csv").read_bytes()
        later = run(tmp_path / "later.json", result("a2020.both[x]", number="S10"), started="later")
        (table,) = write(later, folder).values()
        assert write(later, folder) == {}  # twice is once
        assert [(id, len(rows)) for id, rows in table.claims.items()] == [("a2020.odd[x]", 1), ("a2020.both[x]", 1)]
        assert read_tables(folder)["a2020"][:2] == table[:2] and len(table.runs) == 2 and "later" in table.runs[1]
        assert (folder / "b2021.csv").read_bytes() == other
        write(run(later, result("b2021.c[x]"), started="later"), folder)
        assert len(read_tables(folder)["b2021"].runs) == 1  # nothing of the first run is left in it

    def test_what_is_new_and_what_was_otherwise_is_told(self, folder, tmp_path):
        """By count and by the first names; claims whose rows stay are in neither."""
        before = json.loads((folder.parent / "results.json").read_text())["claims"]
        new = [result(f"b2021.n{number}[x]") for number in range(5)]
        same, other = (one for one in before if one["paper"] == "a2020")
        later = run(tmp_path / "later.json", same, other | {"effects": [1e-6] * len(other["effects"]), "n": 77}, *new)
        told = {file.stem: written(file, table) for file, table in write(later, folder).items()}
        assert told["a2020"].endswith(f"; 1 otherwise before: {other['id'].partition('.')[2]}")
        assert told["b2021"].endswith("; 5 not there before: n0[x], n1[x], n2[x] and 2 more")

    @pytest.mark.parametrize("changes", [{"reason": "budget", "verdict": "skipped"}, {"verdict": "error"}])
    def test_what_a_run_could_not_ask_replaces_nothing(self, folder, tmp_path, changes):
        """Out of time, or broken."""
        assert write(run(tmp_path / "later.json", result("b2021.c[x]", **changes)), folder) == {}

    def test_the_same_numbers_rewrite_nothing(self, folder, tmp_path):
        """A run of another day with the same rows; one digit more and the table is written."""
        first = tmp_path / "results.json"
        again = json.loads(first.read_text()) | {"started": "later"}
        (tmp_path / "again.json").write_text(json.dumps(again))
        assert write(tmp_path / "again.json", folder) == {}
        again["claims"][0]["parts"][1]["effects"] = [1e-6]
        (tmp_path / "again.json").write_text(json.dumps(again))
        assert [file.name for file in write(tmp_path / "again.json", folder)] == ["a2020.csv"]

    def test_a_baseline_is_of_one_scale(self, folder):
        """Of tables and of runs."""
        for baseline in (read(folder), read(folder.parent / "results.json")):
            assert of_scale(baseline, "tiny", "choose") is baseline
            told = f"{baseline.name} is of scale tiny, and not of paper: claims are compared at one scale; choose"
            with pytest.raises(LotteryError, match=told):
                of_scale(baseline, "paper", "choose")

    def test_the_stored_one(self, folder, tmp_path):
        """Of the folders that have tables, and none where no folder has any."""
        found = stored([folder, tmp_path / "none"])
        assert found.name == str(folder) and found.stored and len(found.claims) == 3
        assert stored([tmp_path / "none"]) is None

    @pytest.mark.parametrize("interrupted", [True, False])
    def test_a_run_that_rewrites_the_stored_one_fails(self, folder, tmp_path, interrupted):
        """So that somebody looks; one that was interrupted, which has ended badly as it is, rewrites nothing."""
        before = (folder / "b2021.csv").read_bytes()
        report = RunReport(
            scale=None, results_folder=tmp_path, found=[], code={}, missing=[], baseline=None, named=False, exact=False,
            tables={"b2021": folder}, strict=False, faults=[], interrupted=interrupted, warnings=[], command=[],
        )  # fmt: skip
        report.content = read_run(run(tmp_path / "later.json", result("b2021.c[x]"), started="later"))
        report.update()
        assert report.failed == (not interrupted) == ((folder / "b2021.csv").read_bytes() != before)
        assert any(("interrupted" if interrupted else "rewritten") in note for note in report.urgent)

    @pytest.mark.parametrize("verdict, named", [("refuted", True), ("reproduced", False), ("inconclusive", False)])
    def test_rows_decided_against_their_entry_are_named(self, folder, tmp_path, verdict, named):
        """A baseline hides them from the gate, so that their entry has to say what to expect."""
        report = RunReport(
            scale=None, results_folder=tmp_path, found=[], code={}, missing=[], baseline=None, named=False, exact=False,
            tables={"b2021": folder}, strict=False, faults=[], interrupted=False, warnings=[], command=[],
        )  # fmt: skip
        report.content = read_run(run(tmp_path / "later.json", result("b2021.c[x]", verdict=verdict), started="later"))
        report.update()
        told = f"b2021.c[x]: verdict {verdict}, the entry expects reproduced"
        assert any(note.startswith(told) for note in report.urgent) == named

    def test_scales_do_not_mix(self, folder, tmp_path):
        """The folder of another scale is left as it is."""
        with pytest.raises(LotteryError, match="a2020.csv is not of scale reduced"):
            write(run(tmp_path / "reduced.json", result("c2022.c[x]"), scale="reduced"), folder)
        assert not (folder / "c2022.csv").exists()

    @pytest.mark.parametrize(
        "old, new, message",
        [
            ("id,part", "part,id", "its columns should be id, part"),
            ("0.3333333", "O.3333333", "line 3: could not convert string to float: 'O.3333333'"),
            ("0.3333333", "inf", "line 3: an effect is not finite"),
            ("reproduced", "proven", "line 3: 'proven' is not a verdict"),
            (",effect,", ",share,", "line 3: 'share' is not a kind of claim"),
            ("part0,effect,", "part0,exact,", "line 5: 'exact' is not a kind of part"),
            ("a2020.odd", "b2021.odd", r"line 3: the claim 'b2021.odd\[x\]' is not of a2020"),
            (",S2,", ",", "line 3: 11 cells instead of 12"),
            ("-", "", "line 3: '.*' is not a fingerprint"),
            ("a2020.odd[x],,effect,S2,", ",part9,effect,,", "line 3: a part stands below its claim"),
            (",part0,effect,,", "a2020.both[x],part0,effect,S10,", "line 5: a part stands below its"),
            ("part1", "part0", "line 6: a second row for the same"),
            ("a2020.both", "a2020.odd", "line 4: a second row for the same"),
            ("a2020.both", '"a2020.both', "line 6: "),
        ],
    )
    def test_damage_is_one_message(self, folder, old, new, message):
        """The file, the line, what is wrong, and what to do."""
        file = folder / "a2020.csv"
        head, rest = file.read_text().split("\n", 1)
        file.write_text(head + "\n" + rest.replace(old, new, 1))
        with pytest.raises(LotteryError, match=rf".*a2020\.csv.*{message}.*lottery baseline"):
            read(folder)

    @pytest.mark.parametrize(
        "text, message",
        [
            (None, "there is no .*b.json: lottery run makes one"),
            ("{", "not a results.json"),
            ("[]", "not a results.json"),
            (f'{{"schema": {SCHEMA + 1}}}', f"schema {SCHEMA + 1}, .* {SCHEMA}; a newer version wrote it: update"),
            (f'{{"schema": {SCHEMA - 1}}}', f"schema {SCHEMA - 1}, .* {SCHEMA}; run again"),
            (json.dumps({"schema": SCHEMA, "claims": [{"id": "../a.b", "paper": "../a"}]}), "not a results.json"),
            ("[" * 10_000, "not a results.json"),
            (json.dumps({"schema": SCHEMA, "claims": float("nan")}), "NaN is not a JSON number"),
        ],
    )
    def test_a_bad_file_is_one_message(self, tmp_path, text, message):
        """Absent, no JSON, other JSON, another schema, a paper that is no name."""
        if text is not None:
            (tmp_path / "b.json").write_text(text)
        with pytest.raises(LotteryError, match=message):
            read(tmp_path / "b.json")

    @pytest.mark.parametrize(
        "change",
        [
            '"effects": [1e999]',
            '"effects": [Infinity]',
            '"effects": ["high"]',
            '"effects": [true]',
            '"effects": 3',
            '"estimate": NaN',
            '"estimate": "x"',
            '"n": "many"',
            '"n": 1.5',
            '"verdict": "fine"',
            '"kind": ["effect"]',
            '"number": 7',
            '"parts": [3]',
        ],
    )
    def test_a_damaged_claim_is_one_message(self, tmp_path, change):
        """Whatever its fields hold, nothing is compared with it and nothing breaks later."""
        file = run(tmp_path / "b.json", result())
        name, value = change.split(": ", 1)
        report = json.loads(file.read_text())
        report["claims"][0][json.loads(name)] = "PLACE"
        file.write_text(json.dumps(report).replace('"PLACE"', value))
        with pytest.raises(LotteryError, match=r"b\.json is not a results\.json of this suite"):
            read(file)

    @pytest.mark.parametrize("change", [{"exit_status": None}, {"exit_status": True}, {"remarks": [3]}, {"remarks": 3}])
    def test_how_a_run_ended_is_there(self, tmp_path, change):
        """Or it is not what a run writes, whoever reads it."""
        file = run(tmp_path / "b.json", result())
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        with pytest.raises(LotteryError, match=r"b\.json is not a results\.json of this suite"):
            read_run(file)

    def test_a_table_has_finite_numbers(self, folder):
        """An estimate, too."""
        file = folder / "a2020.csv"
        lines = file.read_text().splitlines()
        place = next(number for number, line in enumerate(lines) if line.startswith("a2020."))
        cells = lines[place].split(",")
        cells[6] = "inf"
        file.write_text("\n".join([*lines[:place], ",".join(cells), *lines[place + 1 :]]) + "\n")
        with pytest.raises(LotteryError, match="the estimate is not finite"):
            read(folder)

    def test_an_empty_folder_is_no_baseline(self, tmp_path):
        """Nor is one of folders."""
        with pytest.raises(LotteryError, match=r"neither a run's results\.json nor tables"):
            read(tmp_path)

    def test_command(self, tmp_path, monkeypatch, capsys):
        """`lottery baseline` writes into the folder of the run's scale, and says what it wrote."""
        monkeypatch.chdir(tmp_path)
        run(tmp_path / "results.json", result())
        assert main(["baseline", "results.json"]) == 0
        assert capsys.readouterr().out.startswith(
            "expected/baselines/tiny/zhou2019.csv: 1 claim, 0.3 kB; 1 not there before"
        )
        assert main(["baseline", "nowhere.json"]) == 2
        assert (
            capsys.readouterr().err
            == "ERROR: there is no nowhere.json: lottery run makes one; or name a run's folder\n"
        )


@pytest.mark.parametrize("folder", sorted(filter(Path.is_dir, BASELINES.iterdir())), ids=lambda folder: folder.name)
def test_our_own_baselines(folder):
    """They can be read, are small enough for a reviewer, and each table says where its rows were measured."""
    claims = read(folder).claims
    assert claims and sum(file.stat().st_size for file in folder.iterdir()) < 800 * len(claims)
    assert all(isinstance(table, Table) and table.runs for table in read_tables(folder).values())


def deviating(folder):
    """Return the claims with their scales whose rows answer the question of today otherwise than expected."""
    stated = {id: entry for file in folder.glob("*.toml") for id, entry in entries.read(file).items()}
    found = []
    for tables in sorted(filter(Path.is_dir, (folder / "baselines").iterdir())):
        for id, (row, *_) in read(tables).claims.items():
            question = stated[id].question(tables.name) if id in stated else None
            if question and row.question and row.question == asked_of(stated[id], tables.name):
                expected = (question.expected or stated[id].expected).verdict
                found += [(id, tables.name)] * deviates({"verdict": row.verdict, "expected_verdict": expected})
    return found


@pytest.mark.parametrize(
    "verdict, question, found",
    [("refuted", "", True), ("reproduced", "", False), ("inconclusive", "", False), ("refuted", "another", False)],
)
def test_a_row_that_deviates_is_found(tmp_path, verdict, question, found):
    """Decided, of the question of today, and not what its entry expects."""
    folder = tmp_path / "expected"
    folder.mkdir()
    ((id, entry),) = read_entries(folder, GOOD).items()
    asked = result(id, verdict=verdict, question=question or asked_of(entry, "tiny"))
    write(run(tmp_path / "results.json", asked), folder / "baselines" / "tiny")
    assert deviating(folder) == [(id, "tiny")] * found


def test_no_committed_row_deviates():
    """The gate is silent about a claim whose baseline deviates already: there its entry must say what to expect."""
    assert deviating(BASELINES.parent) == []


def test_committed_tables_are_found_beside_the_entries(tmp_path):
    """By scale; where there are none, and at another scale, nothing is known."""
    file = tmp_path / "expected" / "a2020.toml"
    write(run(tmp_path / "results.json", result("a2020.odd[x]")), file.parent / "baselines" / "tiny")
    assert list(committed([file, file.with_name("b2021.toml")], "tiny")) == ["a2020.odd[x]"]
    assert committed([file], "paper") == {} == committed([], "tiny")
