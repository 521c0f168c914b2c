"""Data sets that stand in for others: only where those are not there, never unnoticed, and for analogues alone."""

import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from lottery.claims import entries
from lottery.claims.claim import Claim, effect
from lottery.claims.image_quantities import gap
from lottery.claims.resolved import lacks, resolve
from lottery.claims.results import describe
from lottery.core.errors import LotteryError
from lottery.core.paths import data_folder
from lottery.data import catalogue
from lottery.data import stand_ins as stand_in_module
from lottery.data.stand_ins import OF_MNIST, at_hand, is_stand_in
from lottery.data.tasks import SIZES
from lottery.experiments.named_arms import chain, consensus, of_network, ticket_from, under
from lottery.experiments.scales import DATASETS, PAPER_TASKS, SCALES, Scale
from lottery.plugin.options import chosen_scale
from lottery.plugin.session import _sound
from lottery.report.remarks import stand_ins
from lottery.training.config import Config, Setting
from tests.result_helpers import result
from tests.test_entries import GOOD

FULL = Setting("conv-2", "cifar10", Config("adam", 2e-4, 60, 100, 20))
ID = "some2020.claim[conv-2]"
ENTRY = (
    GOOD.replace("some2020.claim[lenet-300-100]", ID)
    .replace('"mnist"', '"cifar10"')
    .replace('network = "lenet-300-100"', 'network = "conv-2"')
)


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """A function that makes a data folder with these folders in it, and no others."""

    def make(*names):
        place = tmp_path / "-".join(("data", *names))
        for name in names:
            (place / name).mkdir(parents=True)
        monkeypatch.setenv("LOTTERY_DATA", str(place))

    return make


def asked(tmp_path, setting, analogue=True, arm=chain("large_final")):  # noqa: B008  # frozen
    """Return a claim about Conv-2 on CIFAR-10, and an arm, as it is asked of a setting."""
    text = ENTRY if analogue else ENTRY.replace('analogue = "It survives."\n', "")
    (tmp_path / "some_2020.toml").write_text(text)
    entry = entries.read(tmp_path / "some_2020.toml")[ID]
    build = lambda question: effect(gap(arm, chain("random"), question.rounds))  # noqa: E731
    claim = Claim(ID, ID, "conv-2", "conv-2", Path("test_some_2020.py"), build)
    return resolve(claim, entry, Scale("tiny", {"conv-2": {"early stop": setting}}, ""))


def test_files_that_are_not_mnists_have_another_name(folders, real_mnist, monkeypatch):
    """Whatever lies under MNIST's names is MNIST if it is, bit for bit; otherwise it has a name of its own."""
    published = data_folder() / "MNIST" / "raw"
    assert at_hand("mnist") == "mnist" and not is_stand_in("mnist")
    folders("MNIST/raw")
    raw = data_folder() / "MNIST" / "raw"
    for name in OF_MNIST:
        (raw / name).write_bytes((published / name).read_bytes())
    assert at_hand("mnist") == "mnist"
    stand_in_module._is_mnist.cache_clear()
    catalogue.forget()
    changed = bytearray((raw / "t10k-images-idx3-ubyte").read_bytes())
    changed[-400] ^= 1
    (raw / "t10k-images-idx3-ubyte").write_bytes(changed)
    assert at_hand("mnist") == "mnist?" and at_hand("mnist-48k") == "mnist-48k?" and is_stand_in("mnist?")
    assert catalogue.fingerprint("mnist?") != real_mnist.fingerprint
    assert "what was measured on them is an analogue" in stand_ins([result(dataset="mnist?")])[0]
    stand_in_module._is_mnist.cache_clear()
    catalogue.forget()


def test_what_is_measured_on_them_is_an_analogue(tmp_path):
    """And lacks nothing that an entry would have to argue about."""
    (tmp_path / "some_2020.toml").write_text(GOOD)
    entry = next(iter(entries.read(tmp_path / "some_2020.toml").values()))
    for name, other in (("mnist", False), ("mnist?", True), ("mnist-48k?", True)):
        setting = Setting("lenet-300-100", name, Config("adam", 1.2e-3, 60, 50_000, 100))
        assert entry.needs and lacks(entry.needs, entry.needs.training, setting) == "" and is_stand_in(name) == other


@pytest.mark.parametrize(
    "names, used",
    [
        ((), "cifar10"),  # can be downloaded
        (("cifar10-images",), "cifar10-jpeg"),
        (("cifar-10-batches-py",), "cifar10"),
        (("cifar-10-batches-py", "cifar10-images"), "cifar10"),
    ],
)
def test_images_stand_in_only_where_the_data_set_is_not(folders, names, used):
    """Whatever else is there, nothing else changes its data."""
    folders(*names)
    assert (at_hand("cifar10"), at_hand("mnist"), at_hand("digits")) == (used, "mnist", "digits")
    here = Scale("tiny", {"conv-2": {"early stop": FULL}}, "more").on_data_at_hand()
    assert here == Scale("tiny", {"conv-2": {"early stop": replace(FULL, dataset=used)}}, "more")
    for scale in SCALES.values():
        settings = [of for trainings in scale.on_data_at_hand().settings.values() for of in trainings.values()]
        assert all(of.dataset == used for of in settings if of.dataset in ("cifar10", "cifar10-jpeg"))


TRAINING, TEST = (f"KMNIST/raw/{half}-images-idx3-ubyte" for half in ("train", "t10k"))


@pytest.mark.parametrize(
    "names, grey, kuzushiji",
    [
        ((), "cifar10-grey", "kmnist"),
        (("cifar10-images", TEST), "cifar10-jpeg-grey", "kmnist10k"),
        (("cifar10-images", "cifar-10-batches-py", TEST, TRAINING), "cifar10-grey", "kmnist"),
    ],
)
def test_images_in_grey_and_the_test_images_of_kmnist_stand_in_too(folders, names, grey, kuzushiji):
    """Grey JPEGs where those in colour would, and KMNIST's test images where its training images are missing."""
    folders(*names)
    asked = ("cifar10-grey", "kmnist", "animal-silhouettes", "svhn-grey", "cifar100-grey")
    assert tuple(map(at_hand, asked)) == (grey, kuzushiji, *asked[2:])


def test_entries_can_name_every_data_set_that_stands_in_for_none():
    """And the made tasks."""
    assert set(DATASETS) == {name for name in catalogue.DATASETS if not is_stand_in(name)} | set(SIZES)


def test_what_is_measured_on_a_stand_in_is_an_analogue(tmp_path):
    """Without an argument in the entry, too; on the data set itself the same claim is asked in full."""
    for analogue in (True, False):
        whole, instead = (asked(tmp_path, replace(FULL, dataset=of), analogue) for of in ("cifar10", "cifar10-jpeg"))
        assert not whole.skip and not whole.analogue
        assert not instead.skip and instead.analogue and instead.experiments[0].setting.dataset == "cifar10-jpeg"
        assert describe(instead, SCALES["tiny"])["dataset"] == "cifar10-jpeg"


def test_a_stand_in_excuses_nothing_else(tmp_path):
    """Another network still needs its argument, and a stand-in is none for other data."""
    other = replace(FULL, network="conv-2-quarter", dataset="cifar10-jpeg")
    assert asked(tmp_path, other).analogue and "needs conv-2" in asked(tmp_path, other, analogue=False).skip
    needs = asked(tmp_path, FULL).entry.needs
    assert "needs mnist" in lacks(needs.model_copy(update={"dataset": "mnist"}), "early stop", other)


def test_results_name_another_preprocessing(tmp_path):
    """Beside the data set."""
    setting = replace(FULL, dataset="cifar10-jpeg", preprocessing="per image")
    assert describe(asked(tmp_path, setting), SCALES["tiny"])["dataset"] == "cifar10-jpeg, per image"


def test_a_stand_in_is_told_once():
    """Where it was used, under any preprocessing."""
    used = [result(dataset="cifar10-jpeg"), result(dataset="cifar10-jpeg, standard"), result()]
    assert stand_ins(used) == [
        "cifar10-jpeg stands in for cifar10, which is not in the data folder; what was measured on it is an analogue"
    ]
    assert not stand_ins([result(), result(dataset="cifar10"), result(dataset=None, data_fingerprint=None)])
    assert not stand_ins([result(dataset="cifar10-jpeg", data_fingerprint=None)])
    several = {"mnist, standard": "f00", "kmnist10k, standard": "f01"}
    (line,) = stand_ins([result(dataset="mnist, standard", tasks=several)])
    assert line.startswith("kmnist10k stands in for kmnist, ")


def test_a_run_takes_its_scale_on_data_at_hand(folders, monkeypatch):
    """What the options choose is asked on what is there."""
    monkeypatch.setitem(SCALES, "tiny", Scale("tiny", {"conv-2": {"early stop": FULL}}, ""))
    config = type("Config", (), {"getoption": lambda self, name: "tiny"})()
    for names, used in ((("cifar10-images",), "cifar10-jpeg"), ((), "cifar10")):
        folders(*names)
        assert chosen_scale(config).setting("conv-2", "early stop") == replace(FULL, dataset=used)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda arm: ticket_from(under("full length", arm)), "training 'full length'; it must have .* names none"),
        (lambda arm: ticket_from(of_network("conv-4", arm)), "network 'conv-4'; it must have .* names none"),
        (lambda arm: ticket_from(consensus([arm, of_network("conv-4", arm)])), "network 'conv-4'; it must have"),
    ],
)
def test_arms_within_others_have_no_training_or_network_of_their_own(tmp_path, make, message):
    """Nothing would heed it; one message says which arm, however deep within another."""
    one = asked(tmp_path, FULL, arm=make(chain("large_final")))
    with pytest.raises(LotteryError, match=f"the arm .*large_final.* has the {message}"):
        _ = one.experiments
    assert re.search(f"some2020.claim.*: the arm .*large_final.* has the {message}", _sound(one).error)


def test_another_split_of_the_images_is_the_data_set_that_is_asked_for():
    """MNIST with a fifth held out, as Paganini & Forde have it, needs no argument."""
    needs = entries.Needs(dataset="mnist", network="lenet-conv", training="full length")
    paper = SCALES["paper"].setting("lenet-conv", "full length")
    assert paper.dataset == "mnist-48k" and lacks(needs, "full length", paper) == ""
    assert "kmnist" in lacks(needs, "full length", paper.on("kmnist"))


def test_every_data_set_is_trained_on_for_as_many_epochs():
    """30 of four fifths of the images, in batches of 32, whichever data set came before."""
    paper = SCALES["paper"].setting("lenet-conv", "full length")
    images = {"mnist-48k": 48_000, "fashion-mnist": 48_000, "kmnist": 48_000, "emnist": 90_240, "svhn-grey": 58_606}
    for name, count in (images | {"cifar10-grey": 40_000, "cifar100-grey": 40_000}).items():
        config = paper.on("svhn-grey").on(name).config
        assert abs(config.iterations * 32 / count - 30) < 0.02 and config.iterations // config.interval == 30
    assert images.keys() | {"cifar10-grey", "cifar100-grey"} == {
        SCALES["paper"].task("lenet-conv", name) for name in PAPER_TASKS
    }
    for one, other in permutations((*DATASETS, "kmnist10k", "animal-silhouettes", "cifar10-jpeg-grey"), 2):
        if not {one, other} & SIZES.keys():
            assert paper.on(one).on(other) == paper.on(other)
