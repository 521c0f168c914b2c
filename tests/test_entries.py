"""`expected/` agrees with the tests, and what is wrong with an entry is said with file, claim and field."""

import importlib
import re
from math import inf
from pathlib import Path

import pytest

import benchmarks
from lottery.claims import entries
from lottery.claims.claim import STATED, differences
from lottery.claims.claims_folders import expected_file
from lottery.core.errors import LotteryError
from lottery.experiments.scales import SCALES

GOOD = """
title = "Some 2020"
[[claim]]
id = "some2020.claim[lenet-300-100]"
number = "1"
kind = "effect"
statement = "A statement."
source = "section 1"
metric = "test accuracy"
unit = "pp"
published = { value = 1.5, unit = "pp", provenance = "printed" }
needs = { dataset = "mnist", network = "lenet-300-100", training = "early stop" }
[claim.scales.tiny]
rounds = [1, 2]
seeds = 5
region = [0, inf]
reason = "Better is above zero."
analogue = "It survives."
"""


def read(tmp_path, text):
    (tmp_path / "some_2020.toml").write_text(text)
    return entries.read(tmp_path / "some_2020.toml")


def test_a_good_entry(tmp_path):
    """Everything is where the entry says."""
    entry = read(tmp_path, GOOD)["some2020.claim[lenet-300-100]"]
    assert entry.paper == "some2020" and entry.needs.dataset == "mnist" and entry.published.value == 1.5
    question = entry.question("tiny")
    assert question.rounds == (1, 2) and question.region.low == 0 and question.seeds == 5
    assert entry.question("paper") is None


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('number = "1"\n', "", "claim 'some2020.claim[lenet-300-100]': the field 'number' is missing"),
        ('number = "1"', "number = 1", "number = 1 should be a valid string"),
        (
            'kind = "effect"',
            'kind = "guess"',
            "kind = 'guess' should be 'effect', 'proportion', 'conjunction' or 'exact'",
        ),
        ("region = [0, inf]", "region = [1, 0]", "region = [1, 0] should be [low, high] with low < high"),
        ("region = [0, inf]", "region = [-inf, inf]", "holds for any result"),
        ("region = [0, inf]", 'region = ["0", 1]', "should be [low, high]"),
        ("region = [0, inf]\n", "", "the field 'region' is missing"),
        (
            "region = [0, inf]",
            "region = [0, inf]\nparts = { a = [0, 1] }",
            "a conjunction states the regions of its parts",
        ),
        ("rounds = [1, 2]", 'rounds = ["1"]', "scales.tiny: rounds[0] = '1' should be a valid integer"),
        ("seeds = 5", "seeds = 0", "seeds = 0 should be at least 2"),
        ("seeds = 5", "sheds = 5", "scales.tiny: unknown field 'sheds'"),
        ('reason = "Better is above zero."\n', "", "scales.tiny: the field 'reason' is missing"),
        (
            "[claim.scales.tiny]",
            "[claim.scales.small]",
            "scales: small = 'small' is not one of tiny, reduced, paper, every",
        ),
        ('training = "early stop"', 'training = "some"', "needs: training = 'some' is not one of"),
        ('unit = "pp"\npub', 'unit = "pp"\ncolour = "red"\npub', "unknown field 'colour'"),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "refuted" }\npub',
            "verdict 'refuted' is expected with the basis control or contradiction or baseline",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "refuted", basis = "contradiction" }\npub',
            "a verdict other than reproduced is expected with a reason",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "refuted", basis = "baseline", because = "it was" }\npub',
            "`since`, a date, goes with the basis 'baseline'",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "any", basis = "control", because = "who knows" }\npub',
            "verdict 'any' is expected with the basis open",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "refuted", basis = "control", because = "opposite" }\npub',
            "the basis 'control' and `negates`, the claim that is negated, go together",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nexpected = { verdict = "reproduced", because = "it is true" }\npub',
            "the verdict reproduced is expected without a basis",
        ),
        (
            'unit = "pp"\npub',
            'unit = "pp"\nchanged = [{ on = 2026-11-28, was = {}, why = "asked wrongly" }]\npub',
            "changed.0: was = {} should have at least 1 item",
        ),
        (
            "seeds = 5",
            'seeds = 5\nexpected = { verdict = "refuted" }',
            "scales.tiny.expected: verdict 'refuted' is expected with the basis",
        ),
        ("[[claim]]", "[[claim", "is not valid TOML"),
        ("[[claim]]", "[extra]\n[[claim]]", "unknown field 'extra'"),
        ("\n[[claim]]", GOOD.replace('title = "Some 2020"', "") + "[[claim]]", "is there twice"),
        ("[[claim]]", "[claim]", "claim should be a list of sections [[claim]]"),
        ('title = "Some 2020"', "", "the field 'title' is missing"),
        ('dataset = "mnist"', 'dataset = "minst"', "needs: dataset = 'minst' is not one of digits, digits-turned"),
        ('network = "lenet-300-100",', 'network = "lenet",', "needs: network = 'lenet' is not one of"),
        ("region = [0, inf]", "region = [false, 1]", "region = [False, 1] should be [low, high]"),
        ("region = [0, inf]", "region = [nan, 1]", "region = [nan, 1] should be [low, high]"),
        ("rounds = [1, 2]", "rounds = [1, 1]", "rounds = [1, 1] should hold nothing twice"),
        ("rounds = [1, 2]", "rounds = [true]", "rounds[0] = True should be a valid integer"),
        ("rounds = [1, 2]", "rounds = [99999]", "rounds[0] = 99999 should be less than or equal to 100"),
        ("seeds = 5", "seeds = true", "seeds = True should be a valid integer"),
        ("seeds = 5", "seeds = 99999999999999999999", "should be less than or equal to 1000"),
        ("seeds = 5", "seeds = 5\nlevel = inf", "level = inf should be less than or equal to 100"),
        ("seeds = 5", "seeds = 5\niterations = [50, 50]", "iterations = [50, 50] should hold nothing twice"),
        ("seeds = 5", 'seeds = 5\nshares = [0.1, "half"]', "shares[1] = 'half' should be a number between 0 and 1, or"),
        ("seeds = 5", 'skip = "for a reason"', "scales.tiny: a skipped scale has no other fields"),
        ("[claim.scales.tiny]", "[claim.scales]\ntiny = 3\n[claim.scales.paper]", "scales: tiny should be a table"),
        ("[[claim]]", '[left_out]\n1 = "late"\n[[claim]]', ": left_out should be a list of sections [[left_out]]"),
        ("[[claim]]", '[retired]\n"some2020.claim[lenet-300-100]" = "late"\n[[claim]]', "is there and retired"),
        ("[[claim]]", "numbers = 3\n[[claim]]", ": numbers should be a table"),
        ('metric = "test accuracy"', 'file = "x"\nmetric = "test accuracy"', "unknown field 'file'"),
        ("value = 1.5", "value = inf", "published: value = inf should be a finite number or a text"),
        ("value = 1.5", "value = true", "published: value = True should be a finite number or a text"),
        ("value = 1.5", "value = [1.5]", "published: value = [1.5] should be a finite number or a text"),
    ],
)
def test_a_bad_entry_is_one_message(tmp_path, old, new, message):
    """Each mistake is named with the file, the claim and the field."""
    assert old in GOOD
    with pytest.raises(LotteryError, match=re.escape(message)) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path}/some_2020.toml")


def test_a_file_that_cannot_be_read_is_one_message(tmp_path):
    """A benchmark without expectations is told where they belong; a folder is no file."""
    with pytest.raises(LotteryError, match=f"{tmp_path}/absent.toml does not exist"):
        entries.read(tmp_path / "absent.toml")
    with pytest.raises(LotteryError, match="cannot be read .Is a directory"):
        entries.read(tmp_path)


def test_a_file_is_named_so_that_it_can_be_opened(tmp_path, monkeypatch):
    """From the current folder where it lies in that; else in full. What is wrong with one claim names it once."""
    (tmp_path / "mine" / "expected").mkdir(parents=True)
    file = tmp_path / "mine" / "expected" / "some_2020.toml"
    file.write_text(GOOD.replace("seeds = 5", "sheds = 5\nlevels = 3"))
    for here, named in ((tmp_path, "mine/expected/some_2020.toml"), (tmp_path / "mine" / "expected", "some_2020.toml"),
                        (Path(__file__).parent, str(file))):  # fmt: skip
        monkeypatch.chdir(here)
        told = next(iter(entries.read_in_part(file).wrong.values()))
        assert told.startswith(f"{named}, claim 'some2020.claim[lenet-300-100]', scales.tiny: ")
        assert told.count("claim 'some") == 1 and "sheds" in told and "levels" in told
        assert next(iter(entries.read_in_part(file).entries.values())).file == named


def test_all_mistakes_are_told_at_once(tmp_path):
    """A line each, with its claim."""
    with pytest.raises(LotteryError) as caught:
        read(tmp_path, GOOD.replace("seeds = 5", "seeds = -1").replace('number = "1"', "number = 1"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2 and all("claim 'some2020.claim[lenet-300-100]'" in line for line in lines)


@pytest.mark.parametrize("region, message", [("[0, 1]", "holds for any result"), ("[0, 0.9]", "")])
def test_a_share_of_seeds_lies_between_0_and_1(tmp_path, region, message):
    """A region that no share can leave is refused, even though a mean could."""
    text = GOOD.replace('"effect"', '"proportion"').replace("[0, inf]", region).replace("seeds = 5", "seeds = 50")
    if not message:
        assert read(tmp_path, text)
        return
    with pytest.raises(LotteryError, match=message):
        read(tmp_path, text)


@pytest.fixture(scope="module")
def suite():
    """All entries of the suite, by benchmark file."""
    for name in (
        "zhou_2019",
        "paganini_forde_2020",
        "frankle_carbin_2019",
        "fischer_burkholz_2021",
        "lottery_2026",
        "negative_controls",
        "own_criterion",
        "own_treatment",
        "own_network",
    ):
        importlib.import_module(f"benchmarks.test_{name}")
    return {
        file: entries.read(expected_file(file)) for file in STATED if file.parent == Path(benchmarks.__file__).parent
    }


def all_entries(suite):
    return {id: entry for found in suite.values() for id, entry in found.items()}


def test_every_claim_has_its_entry_and_every_entry_its_claim(suite):
    """Neither side knows a claim that the other does not."""
    assert len(suite) == 9
    for file, found in suite.items():
        assert differences(file, found) == ({}, [])


def test_unknown_and_unstated_claims_are_one_message_each(suite):
    """Both directions are told apart."""
    file = next(file for file in suite if "zhou" in file.name)
    found = dict(suite[file])
    first = next(iter(found))
    found.pop(first)
    lacking, strangers = differences(file, [*found, "zhou2019.nonsense"])
    assert list(lacking) == [first] and f"has no entry for {first!r}" in lacking[first]
    assert len(strangers) == 1 and "has an entry for the unknown claim 'zhou2019.nonsense'" in strangers[0]


@pytest.mark.parametrize(
    "old, new, wrong, faults",
    [
        ("seeds = 5", "sheds = 5\nlevels = 3", ["some2020.claim[lenet-300-100]"], []),
        (
            "[[claim]]",
            '[retired]\n"some2020.claim[lenet-300-100]" = "late"\n[[claim]]',
            ["some2020.claim[lenet-300-100]"],
            [],
        ),
        ("\n[[claim]]", GOOD.replace('title = "Some 2020"', "") + "[[claim]]", ["some2020.claim[lenet-300-100]"], []),
        ('title = "Some 2020"', "tilte = 3", [], ["the field 'title' is missing", "unknown field 'tilte'"]),
        ("[[claim]]", '[numbers]\n1 = "One."\n2 = "Two."\n[[claim]]', [], ["number '2' should have an entry"]),
        ("[[claim]]", "numbers = 3\n[[claim]]", [], ["numbers should be a table"]),
        ("[[claim]]", "[claim]", None, ["claim should be a list of sections"]),
        ('id = "some2020.claim[lenet-300-100]"\n', "", None, ["claim 'without an id': the field 'id' is missing"]),
    ],
)
def test_what_is_wrong_with_an_entry_concerns_it_alone(tmp_path, old, new, wrong, faults):
    """The other claims of the file are read; what is wrong with the file itself is told apart from all of them."""
    other = GOOD.partition("[[claim]]")[2].replace("some2020.claim", "some2020.other")
    assert old in GOOD
    (tmp_path / "some_2020.toml").write_text(f"{GOOD.replace(old, new, 1)}\n[[claim]]{other}" if wrong is not None
                                             else GOOD.replace(old, new, 1))  # fmt: skip
    found = entries.read_in_part(tmp_path / "some_2020.toml")
    assert list(found.wrong) == (wrong or []) and len(found.faults) == len(faults)
    assert all(part in told for part, told in zip(faults, found.faults)), found.faults
    if wrong is not None:
        assert found.entries["some2020.other[lenet-300-100]"].question("tiny").seeds == 5
        lost = found.entries["some2020.claim[lenet-300-100]"]
        assert lost.statement and (not wrong or lost.scales == {})
    for told in found.wrong.values():
        assert told.startswith(f"{tmp_path}/some_2020.toml") and "\n" not in told


@pytest.mark.parametrize("paper, numbers", [
    ("zhou_2019", [str(n) for n in range(1, 35)]),
    ("paganini_forde_2020", [str(n) for n in range(1, 43)]),
    ("frankle_carbin_2019", [*map(str, range(1, 25)), "25a", "25b", "25c", "25d", *map(str, range(26, 79))]),
])  # fmt: skip
def test_the_list_of_a_papers_claims_is_whole(paper, numbers):
    """Every number of the paper's list has its line, in order, and either entries or a reason to be left out."""
    file = Path(__file__).parent.parent / "expected" / f"{paper}.toml"
    content = entries.read_file(file)
    assert list(content.numbers) == numbers and all(len(said.says) > 10 for said in content.numbers.values())


def test_doubt_is_spoken_out(suite):
    """What is remembered, a plot, or left open by the paper stands as a doubt that says so."""
    doubtful = [entry for entry in all_entries(suite).values() if entry.doubt]
    assert len(doubtful) >= 15
    for entry in doubtful:
        named = ("memory", "rerun", "re-implementation", "presumably", "plot", "stated", "not said", "not named")
        named += ("does not say", "says neither", "2019 report")
        assert any(word in entry.doubt for word in named), entry.id


OUT = '[[left_out]]\nnumbers = ["{}"]\nreason = "late"\n'
OF = '1 = {{ says = "It holds.", of = ["lenet-300-100 on mnist"{}] }}\n'


@pytest.mark.parametrize(
    "numbers, message",
    [
        ('2 = "It holds."', ": a claim has the number '1', which [numbers] does not list"),
        (
            '1 = "It holds."\n13 = "So does this."',
            ": number '13' should have an entry, or a reason in [[left_out]]; it",
        ),
        (
            '1 = "It holds."\n' + OUT.format(1),
            ": number '1' should have an entry, or a reason in [[left_out]]; it has both",
        ),
        ('1 = "It holds."\n' + OUT.format(14), ": [[left_out]] has the number '14', which [numbers] does not list"),
        ('1 = ""', "says = '' should be a line of text"),
        (OF.format(', "conv-2 on cifar10"'), ": number '1' should have an entry for 'conv-2 on cifar10', or a reason"),
        (OF.format("") + OUT.format(1) + 'of = ["lenet-300-100 on mnist"]\n', "; it has both"),
        (
            OF.format("") + OUT.format(1) + 'of = ["conv-2 on cifar10"]\n',
            ": [[left_out]] leaves number '1' out of 'conv-2",
        ),
        (
            '1 = "It holds."\n2 = "So does this."\n' + OUT.format(2) + 'part = "its end"\n',
            ": number '2' leaves a part out and has no entry for the rest",
        ),
        (
            '1 = "It holds."\n' + OUT.format(1) + 'part = "its end"\nof = ["a on b"]\n',
            "what is left out is some networks",
        ),
    ],
)
def test_a_bad_list_is_one_message(tmp_path, numbers, message):
    """Numbers without claims, claims without numbers, both at once, networks that are forgotten, lines without text."""
    with pytest.raises(LotteryError, match=re.escape(message)) as caught:
        read(tmp_path, GOOD.replace("[[claim]]", f"[numbers]\n{numbers}\n[[claim]]", 1))
    assert str(caught.value).startswith(f"{tmp_path}/some_2020.toml")


@pytest.mark.parametrize(
    "numbers",
    [
        '1 = "It holds."\n' + OUT.format(1) + 'part = "its end"\n',
        '1 = "It holds."\n2 = "So does this."\n' + OUT.format(2),
        OF.format(""),
        OF.format(', "conv-2 on cifar10"') + OUT.format(1) + 'of = ["conv-2 on cifar10"]\n',
    ],
)
def test_a_number_is_covered_by_entries_and_reasons(tmp_path, numbers):
    """A part of the words, a whole number, a network: what is missing is listed with its reason."""
    assert read(tmp_path, GOOD.replace("[[claim]]", f"[numbers]\n{numbers}\n[[claim]]", 1))


def test_every_claim_says_something_about_every_scale(suite):
    """A scale at which a claim is not asked is skipped with a reason, not forgotten."""
    for id, entry in all_entries(suite).items():
        for scale in SCALES:
            assert entry.question(scale) is not None, (id, scale)


def test_negative_controls_negate_a_claim_with_its_margin(suite):
    """Same number per seed, same rounds, seeds and needs, the opposite half line, wherever the claim is asked."""
    controls = [entry for entry in all_entries(suite).values() if entry.negates]
    assert len(controls) >= 3
    for control in controls:
        claim = all_entries(suite)[control.negates]
        assert control.expected.verdict == "refuted" and claim.expected.verdict == "reproduced"
        assert (control.metric, control.needs) == (claim.metric, claim.needs)
        for scale in SCALES:
            ours, theirs = control.question(scale), claim.question(scale)
            assert (ours.rounds, ours.seeds, ours.skip) == (theirs.rounds, theirs.seeds, theirs.skip)
            low, high = theirs.region.low, theirs.region.high
            assert (ours.region.low, ours.region.high) == ((high, inf) if low == -inf else (-inf, low))


def test_a_number_from_memory_is_not_called_published(suite):
    """Provenance never is memory or a plot alone."""
    for id, entry in all_entries(suite).items():
        if entry.published:
            assert not re.match(r"(from )?(memory|a plot|digitised)", entry.published.provenance), id
