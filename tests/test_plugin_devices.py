"""Runs on machines whose GPU does not work, or fails in the middle: by stubs, so that none is needed."""

import pytest

from lottery.store.store import Record, Store
from tests.test_plugin import error, results, shared_store, suite, verdicts  # noqa: F401  (fixtures)

AUTO = "--device=auto"
SEEN = """
import lottery.core.devices, lottery.plugin.options
lottery.plugin.options.shows_gpu = lambda: True
lottery.core.devices.cards = lambda: {cards}
lottery.core.devices.trouble = lambda device: "CUDA-capable device(s) is/are busy or unavailable"
"""
BUSY = SEEN.format(cards='(["cuda:0"], "")')
NOT_SERVED = SEEN.format(cards='([], "the driver is too old")')
FAILING = """
import pathlib
from lottery.core.errors import DeviceFailure
from lottery.training.step import Step
sound = Step._run
def run(self, index):
    if not pathlib.Path("failed").exists():
        pathlib.Path("failed").touch()
        raise DeviceFailure("a training step could not be captured on cuda:0")
    sound(self, index)
Step._run = run
"""


@pytest.fixture
def stubbed(suite, monkeypatch):  # noqa: F811
    """A function that runs a claim of the small suite on a machine with stubs in its conftest.py."""
    import lottery.core.devices
    import lottery.plugin.options
    from lottery.training.step import Step

    for owner, name in (
        (lottery.plugin.options, "shows_gpu"),
        (lottery.core.devices, "cards"),
        (lottery.core.devices, "trouble"),
        (Step, "_run"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))

    def run(conftest, *arguments):
        suite.write(conftest=conftest)
        return suite("-k", "learns and not hardly", *arguments)

    run.path = suite.path
    return run


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize(
    "conftest, note",
    [
        (BUSY, "cuda:0 is there but cannot be used (CUDA-capable device(s) is/are busy or unavailable): computed on"),
        (NOT_SERVED, "there seems to be a GPU, but torch cannot use it (the driver is too old): computed on"),
    ],
)
def test_auto_falls_back_and_says_so(stubbed, conftest, note, workers):
    """On the processor, with a note; results name the device that was used."""
    result = stubbed(conftest, AUTO, workers)
    text = result.stdout.str()
    assert result.ret == 0 and f"- {note}" in text, text
    report = results(stubbed)
    assert report["environment"]["device"].startswith("cpu (") and report["claims"][0]["devices"] == ["cpu"]
    if conftest is NOT_SERVED:  # which the controller knows, and says at the start as well
        assert text.count(note) == 2


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("arguments", [["--device=cuda"], ["--device=cuda:0"], [AUTO, "--precision=tf32"]])
def test_by_name_is_one_message(stubbed, arguments, workers):
    """A device that was asked for, or a precision that only it has: nothing is computed elsewhere."""
    message = error(stubbed(BUSY, workers, *arguments))
    assert message.startswith("--device cuda:0: it cannot be used (CUDA-capable device(s) is/are busy or unavailable)")


def test_a_worker_whose_gpu_failed_is_replaced(stubbed, tmp_path):
    """Its message is printed once where it happened and once below the table, and every claim has its verdict."""
    result = stubbed(FAILING, "-n2", "--device=cpu", f"--store={tmp_path}")
    text = result.stdout.str()
    assert result.ret == 0 and verdicts(stubbed) == {"learns": "reproduced"}, text
    assert "gw0: a training step could not be captured" in text or "gw1: a training step could not be" in text, text
    assert "- a training step could not be captured on cuda:0" in text and "Traceback" not in text


def test_alone_a_failed_gpu_is_one_message(stubbed, tmp_path):
    """Under -n0 nobody can take over; the same command goes on."""
    arguments = ("-n0", "--device=cpu", f"--store={tmp_path}")
    assert error(stubbed(FAILING, *arguments)) == "a training step could not be captured on cuda:0"
    assert stubbed("", *arguments).ret == 0


def test_arms_that_were_computed_on_different_devices_are_marked(stubbed, tmp_path):
    """A ticket minus the dense network mixes them; seeds that are on one device each, or one arm alone, do not."""
    arguments = ("-k", "undecided or learns and not hardly", "-n0", "--device=cpu", f"--store={tmp_path}")
    stubbed("", *arguments)
    store = Store(tmp_path)
    for key in store.sizes():
        record = store.read(key)
        if "dense" in record.made["what"]:
            store.write(key, Record(record.measurements, record.arrays, record.made | {"device": "NVIDIA T1"}))
    text = stubbed("", *arguments).stdout.str()
    claims = {claim["id"].partition(".")[2].partition("[")[0]: claim for claim in results(stubbed)["claims"]}
    assert claims["learns"]["devices"] == ["NVIDIA T1"] and not claims["learns"]["devices_mixed"]
    assert claims["undecided"]["devices"] == ["NVIDIA T1", "cpu"] and claims["undecided"]["devices_mixed"]
    assert text.count("(devices mixed)") == 1, text
    assert "its arms were computed on different devices, NVIDIA T1 and cpu" in text

    for key in store.sizes():  # now all of a seed on one device, and other seeds on the other
        record = store.read(key)
        device = "NVIDIA T1" if str(record.made["what"]).endswith("seed 0") else "cpu"
        store.write(key, Record(record.measurements, record.arrays, record.made | {"device": device}))
    assert "mixed" not in stubbed("", *arguments).stdout.str()
    assert not any(claim["devices_mixed"] for claim in results(stubbed)["claims"])
