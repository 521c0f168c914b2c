"""The page: all of a run in one file that asks for nothing from elsewhere and runs nothing but its own scripts."""

import base64
import errno
import gzip
import json
import re
from hashlib import sha256

import pytest

from lottery.claims.results import all_results, in_order
from lottery.cli.main import main
from lottery.experiments.measurements import table
from lottery.report.answer import OF_PAPER_MEANS
from lottery.report.charts.forest import forest
from lottery.report.claims_table import anchor
from lottery.report.interval_picture import WIDTH, interval_picture
from lottery.report.page import asset, page
from tests.result_helpers import cell, result, whole
from tests.test_difference import compared
from tests.test_markup import Read

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def made(report, **more):
    return page(report, [forest(in_order(all_results(report)))], **more)


def carried(html):
    """Return the data that a page carries."""
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', html, re.S)[1])


def several():
    """Return a report of one claim of each verdict, one in parts, one exact and one of a user's."""
    part = {**result(), "name": "not_worse", "verdict": "refuted"}
    claims = [
        result(headline="it holds"),
        result("zhou2019.other[lenet-300-100]", verdict="refuted", interval=[70, 71], estimate=70.5,
               expected_verdict="refuted", expected_basis="baseline", expected_since="2026-11-21"),
        result("zhou2019.parts[lenet-300-100]", verdict="inconclusive", estimate=None, kind="conjunction",
               parts=[part, {**part, "name": "faster", "verdict": "inconclusive"}]),
        result("zhou2019.later[lenet-300-100]", verdict="skipped", estimate=None, reason="long", interval=None, n=0),
        result("zhou2019.exactly[weights]", kind="exact", estimate=None, interval=None, region=None, n=0),
    ]  # fmt: skip
    return whole(*claims) | {
        "criteria": [result("own_criterion.ranks[mine]", own="criterion", unit="pp")],
        "scoreboard": [
            cell(),
            cell("large_final", state="reference"),
            cell("bad", None, None, "error", reason="raised X"),
        ],
    }


def test_every_claim_has_its_row_and_its_details():
    """In the table, with its anchor, and in the data with every seed, every arm and the commands."""
    report = several()
    html = made(report)
    read = Read(html)
    claims = carried(html)["claims"]
    for one in all_results(report):
        assert f'id="{anchor(one)}"' in html
        told = claims[one["id"]]
        assert told["test"] == one["test"] and told["facts"][0] == ["claim", "It holds."]
        assert told["commands"][1].startswith("lottery run -n auto --scale tiny -k ")
    assert claims["zhou2019.claim[lenet-300-100]"]["outcomes"][0]["seeds"] == ["85.0", "85.5", "86.2"]
    assert len(claims["zhou2019.parts[lenet-300-100]"]["outcomes"]) == 2
    assert len({anchor(one) for one in all_results(report)}) == 6
    for words in ("AS EXPECTED", "5 of 6 tests", "Main claims", "Your criteria", "Refuted: ", "Not asked"):
        assert words in read.text
    assert "+0.10 [-0.20, +0.40] equal" in read.text and "error of bad, 1 question: raised X" in read.text
    assert "~" in read.text and "lottery plan --scale reduced" in read.text


def test_a_head_says_what_it_counts():
    """Of which claims of a paper, nothing else on the page does."""
    assert f'title="{OF_PAPER_MEANS}">of paper</abbr>' in made(several())


def test_a_narrow_screen_keeps_numbers_and_words_apart():
    """Where rows become grids, their columns have a gap: a number at the right of one would touch the next."""
    narrow = asset("page.css").partition("(max-width:720px)")[2]
    rules = re.findall(r"\{([^{}]*display:grid[^{}]*)\}", narrow)
    assert rules and all("column-gap" in rule for rule in rules if "grid-template-columns:3rem" in rule)


def test_what_moved_from_a_baseline_is_there():
    """With what is different: what drifted in a table, each with a link to its claim; nothing without a baseline."""
    found, results = compared(-20)
    html = made(whole(*results.values()) | {"baseline": found})
    shown = Read(html).text
    assert "Moved by more than chance: 8" in shown and "different: torch 1, then 2" in shown
    assert all(html.count(f'href="#{anchor(one)}"') >= 1 for one in list(results.values())[1:])
    assert "more than chance: " not in Read(made(whole(*results.values()))).text


def test_every_paper_can_be_chosen():
    """By a value of its own, which is not that of all papers: where papers share a letter, or have none."""
    found = [
        result(),
        result("mine2026.a[x]", letter="", title="Mine 2026, of June"),
        result("other2026.a[x]", letter=""),
    ]
    found += [result(f"own_{kind}.a[x]", letter="*", title=f"Own {kind}") for kind in ("criterion", "treatment")]
    html = made(whole(*found))
    options = re.findall(r'<option value="([^"]*)">([^<]*)</option>', html)
    assert options[0] == ("", "all") and dict(options[1:]) == {
        "zhou2019": "Z Zhou et al. 2019",
        "mine2026": "Mine 2026",
        "other2026": "Zhou et al. 2019",
        "own_criterion": "* Own criterion",
        "own_treatment": "* Own treatment",
    }
    assert sorted(re.findall(r'data-paper="([^"]*)"', html)) == sorted(value for value, _ in options[1:])


def test_nothing_of_a_user_becomes_markup():
    """Names, statements, reasons, commands and remarks with tags in them are shown and do nothing."""
    texts = ("statement", "headline", "reason", "source", "own", "title", "letter", "test", "analogue_because", "unit")
    nasty = result(f"own_criterion.ranks[{NASTY}]", verdict="refuted", **dict.fromkeys(texts, NASTY))
    report = whole(nasty, {**nasty, "id": "zhou2019.b"}) | {"command": [NASTY], "commit": NASTY}
    report |= {"scoreboard": [cell(NASTY, statement=NASTY, reason=NASTY, state="error")], "replaced": {NASTY: NASTY}}
    html = made(report, notes=[NASTY])
    plain = Read(made(whole(result(), result("zhou2019.b"))))
    assert Read(html).tags.count("script") == plain.tags.count("script")
    assert "img" not in Read(html).tags and "onerror" not in Read(html).attributes
    assert carried(html)["claims"][nasty["id"]]["facts"][0] == ["claim", NASTY]


def test_only_its_own_scripts_run_and_nothing_is_loaded():
    """The policy has the digest of every script that may run, and nothing names another address to load from."""
    html = made(several())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#x27;", "'")
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy and "http" not in policy
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.S)
    unpacked = [
        gzip.decompress(base64.b64decode(text)).decode() if "library" in told else text
        for told, text in scripts
        if "json" not in told
    ]
    ours = [sha256(text.encode()).digest() for text in unpacked]
    assert len(ours) == 4 and all(f"'sha256-{base64.b64encode(digest).decode()}'" in policy for digest in ours)
    shown = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert not re.search(r"""\b(?:src|href)=["']?(?:https?:)?//""", shown)
    assert all("sourceMappingURL" not in text and "</script" not in text.lower() for text in unpacked)
    assert "eval(" not in asset("page.js") and "innerHTML" not in asset("page.js")


def test_pictures_show_the_numbers():
    """The estimate lies between its interval's ends, on the region where it agrees; a claim without one has none."""
    agrees = interval_picture(result(), "%")
    left, width = (float(re.search(rf'class="region"[^>]*\b{name}="([\d.]+)"', agrees)[1]) for name in ("x", "width"))
    low, high = sorted(float(x) for x in re.findall(r'class="interval" x1="([\d.]+)" y1="5', agrees))
    at = float(re.search(r'class="reproduced" cx="([\d.]+)"', agrees)[1])
    assert left <= low < at < high <= left + width == WIDTH
    assert "[84.0, 87.1], agrees from 80.0" in agrees
    assert 'class="refuted"' in interval_picture(result(verdict="refuted"), "%")
    assert 'class="zero"' in interval_picture(result(region=[None, 0.5], estimate=1.0, interval=None), "pp")
    assert interval_picture(result(region=None), "%") == ""


def test_lottery_report_makes_it_anew(tmp_path, capsys):
    """From what a run has left, into its folder or a file that is named; what is wrong is one message."""
    (tmp_path / "results.json").write_text(json.dumps(several()))
    assert main(["report", str(tmp_path)]) == 2
    assert "measurements.csv.gz cannot be read" in capsys.readouterr().err
    (tmp_path / "measurements.csv.gz").write_bytes(gzip.compress(table([]).encode()))
    assert main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "report.html")
    assert main(["report", str(tmp_path), "--output", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.html").read_text() == (tmp_path / "report.html").read_text()
    assert main(["report", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert "is a folder; name a file" in said and "has no results" in said


@pytest.mark.parametrize("format", ["html", "svg"])
def test_a_folder_that_cannot_be_written_to_is_one_message(tmp_path, capsys, monkeypatch, format):
    """It names the folder, and the option that names another."""
    if format == "svg":
        pytest.importorskip("vl_convert")
    (tmp_path / "results.json").write_text(json.dumps(whole(result(), result("zhou2019.b"))))
    (tmp_path / "measurements.csv.gz").write_bytes(gzip.compress(table([]).encode()))

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / ".report.html.0123"))

    for name in ("lottery.cli.report.write_whole", "lottery.report.pictures.write_whole"):
        monkeypatch.setattr(name, refuse)
    assert main(["report", str(tmp_path), "--format", format]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ERROR: the report cannot be written to {tmp_path} (Read-only file system)")
    assert "--output" in said and ".report.html" not in said


def test_lottery_report_draws_pictures(tmp_path, capsys):
    """A file for each panel, in a folder of the run's or one that is named."""
    pytest.importorskip("vl_convert")
    (tmp_path / "results.json").write_text(json.dumps(whole(result(), result("zhou2019.b"))))
    (tmp_path / "measurements.csv.gz").write_bytes(gzip.compress(table([]).encode()))
    assert main(["report", str(tmp_path), "--format", "svg"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "figures" / "forest-per-cent.svg")]
    assert "<svg" in (tmp_path / "figures" / "forest-per-cent.svg").read_text()
    (tmp_path / "taken").write_text("")
    assert main(["report", str(tmp_path), "--format", "svg", "--output", str(tmp_path / "taken")]) == 2
    assert "taken" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["vega.min.js", "vega-lite.min.js", "vega-embed.min.js"])
def test_scripts_travel_with_their_licences(name):
    """Each is named in the notice beside it."""
    assert name in asset("NOTICE.txt") and len(asset(name)) > 50_000
    assert "Redistribution and use in source and binary forms" in asset("NOTICE.txt")


def test_the_command_can_be_typed_again():
    """With a space in what -k selects."""
    html = page(whole(result()) | {"command": ["-n", "auto", "-k", "zhou and signs"]}, [])
    assert "lottery run -n auto -k &#x27;zhou and signs&#x27;" in html
