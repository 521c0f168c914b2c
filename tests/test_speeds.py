"""Speeds: what was measured is said again, real runs are believed rather than short measurements, others' are not."""

import dataclasses

import pytest

from lottery.experiments import calibration
from lottery.experiments.arms import DENSE
from lottery.experiments.calibration import Calibration, Speed
from lottery.experiments.experiment import experiment
from lottery.experiments.named_arms import chain, counted, singleshot
from lottery.experiments.planned import Planned, remember, settle
from lottery.experiments.scales import PLANTED, SCALES
from lottery.experiments.speeds import GUESSED, MEASURED, Speeds, kind
from lottery.training.config import Config, Setting

CONFIG = Config("adam", 1e-2, 20, 30, 10)
SETTING = Setting("lenet-96-48", "digits", CONFIG)
ONE = experiment(SETTING, DENSE, 0, 0)
OTHER = experiment(dataclasses.replace(SETTING, config=dataclasses.replace(CONFIG, iterations=60)), DENSE, 0, 0)


def search(rounds):
    """Return a search before training, of which nothing is trained."""
    return experiment(SCALES["tiny"].settings["planted-relu-5"][PLANTED], untrained(rounds), 0, 0)


def untrained(rounds):
    from lottery.experiments.arms import Evaluate

    return dataclasses.replace(singleshot("planted-relu-5", "snip", 0.1, rounds=rounds), action=Evaluate())


def test_kinds_are_what_costs_the_same():
    """Seeds, rounds of a chain and learning rates do not matter; how long is trained and how often is scored does."""
    fast = dataclasses.replace(SETTING, config=dataclasses.replace(CONFIG, learning_rate=1.0))
    assert len({kind(one) for one in (ONE, ONE.with_seed(3), experiment(fast, DENSE, 0, 0))}) == 1
    assert kind(experiment(SETTING, chain("large_final"), 2, 0)) == kind(ONE)
    assert len({kind(one) for one in (ONE, OTHER, search(1), search(10))}) == 4


def test_what_was_computed_is_said_again(tmp_path):
    """The mean over networks, in this process and in the next; until then it is a guess, with a wider margin."""
    speeds = Speeds(tmp_path)
    assert not speeds.knows(ONE) and speeds.longest([ONE]) == GUESSED * speeds.seconds(ONE)
    speeds.learn([ONE, ONE.with_seed(1)], 4.0)
    speeds.learn([ONE.with_seed(2), ONE.with_seed(3)], 8.0)
    speeds.keep()
    for again in (speeds, Speeds(tmp_path)):
        assert again.knows(ONE) and again.seconds(ONE) == pytest.approx(3.0)
        assert again.longest([ONE, ONE.with_seed(1)]) == pytest.approx(2 * 3.0 * MEASURED)


def test_several_processes_add_to_one_file(tmp_path):
    """Nobody's measurements are lost, whoever writes last."""
    first, second = Speeds(tmp_path), Speeds(tmp_path)
    first.learn([ONE], 1.0)
    second.learn([ONE], 3.0)
    second.learn([OTHER], 5.0)
    first.keep()
    second.keep()
    assert Speeds(tmp_path).seconds(ONE) == pytest.approx(2.0) and Speeds(tmp_path).seconds(OTHER) == pytest.approx(5.0)


def test_a_real_run_is_believed_rather_than_a_short_measurement(tmp_path):
    """Which is not taken again, nor over what was computed."""
    speeds = Speeds(tmp_path)
    speeds.measured(ONE, 100.0)
    assert speeds.seconds(ONE) == 100.0
    speeds.learn([ONE], 1.0)
    speeds.measured(ONE, 100.0)
    speeds.keep()
    assert Speeds(tmp_path).seconds(ONE) == speeds.seconds(ONE) == pytest.approx(1.0)


def test_kinds_in_one_batch_share_its_time_as_they_did(tmp_path):
    """In the proportion in which they were known to cost."""
    speeds = Speeds()
    speeds.measured(ONE, 1.0)
    speeds.measured(OTHER, 2.0)
    speeds.learn([ONE, OTHER], 6.0)
    assert (speeds.seconds(ONE), speeds.seconds(OTHER)) == (pytest.approx(2.0), pytest.approx(4.0))


def test_what_is_not_known_is_guessed_from_its_like():
    """Twice the steps take twice as long, ten times the scores ten times; and nothing is free."""
    speeds = Speeds()
    assert min(speeds.seconds(one) for one in (ONE, search(1))) > 0
    speeds.learn([ONE], 3.0)
    speeds.learn([search(1)], 0.5)
    assert speeds.seconds(OTHER) == pytest.approx(6.0) and speeds.seconds(search(10)) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"kinds": 3}', '{"kinds": {"a": {}}}', '{"kinds": {}, "planned": 3}']
)
def test_a_damaged_file_is_measured_again(tmp_path, content):
    """Nothing in it is believed, and it is written anew."""
    speeds = Speeds(tmp_path)
    speeds.file.write_text(content)
    damaged = Speeds(tmp_path)
    assert not damaged.knows(ONE)
    damaged.learn([ONE], 1.0)
    damaged.keep()
    assert Speeds(tmp_path).knows(ONE)


def test_another_machine_or_precision_is_measured_by_itself(tmp_path, monkeypatch):
    """What one processor takes says nothing of another."""
    speeds = Speeds(tmp_path)
    speeds.learn([ONE], 1.0)
    speeds.keep()
    assert not Speeds(tmp_path, precision="tf32").knows(ONE)
    monkeypatch.setattr("lottery.experiments.speeds.processor", lambda: "another one, 2 cores")
    assert not Speeds(tmp_path).knows(ONE)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    """It can be measured again."""
    (tmp_path / "file").write_text("")
    speeds = Speeds(tmp_path / "file" / "speeds")
    speeds.learn([ONE], 1.0)
    speeds.keep()
    assert speeds.knows(ONE)


def test_plans_are_changed_as_others_left_them(tmp_path):
    """What two processes settle at once is settled."""
    first = Planned("code", frozenset("ab"), {frozenset("a"): 1.0, frozenset("b"): 2.0})
    speeds = Speeds(tmp_path)
    speeds.change_plans(lambda plans: remember(plans, "reduced", first))
    speeds.keep()
    two = [Speeds(tmp_path), Speeds(tmp_path)]
    for one, claim in zip(two, "ab"):
        one.change_plans(lambda plans, claim=claim: settle(plans, "reduced", "code", claim))
        assert one.plans == {"reduced": first.settled(claim)}
    for one in two:
        one.keep()
    assert Speeds(tmp_path).plans == {"reduced": first.settled("ab")}


class TestCalibration:
    def test_what_has_steps_in_common_is_measured_once(self, monkeypatch, digits):
        """And nothing that is known; longer trainings cost as much more."""
        measured = []
        monkeypatch.setattr(
            calibration, "calibrate", lambda batch, data, device: measured.append(batch) or Speed(0.5, 0.0, 0.0)
        )
        speeds = Speeds()
        taken = Calibration(speeds, "cpu")
        for batch in ([ONE], [OTHER], [ONE.with_seed(4)]):
            taken.take(batch, digits)
        assert len(measured) == 1 and (speeds.seconds(ONE), speeds.seconds(OTHER)) == (15.0, 30.0)

    def test_what_only_looks_at_masks_is_not_free(self, digits):
        """It cannot be measured without these masks: a guess stands until one was computed."""
        speeds, one = Speeds(), experiment(SETTING, counted("large_final"), 1, 0)
        Calibration(speeds, "cpu").take([one], digits)
        assert not speeds.knows(one) and speeds.seconds(one) > 0

    def test_a_training_that_keeps_snapshots_is_measured(self, digits, monkeypatch):
        """A few iterations of it take none, as they end before the first."""
        monkeypatch.setattr(calibration, "SHORTEST", 0.01)
        setting = dataclasses.replace(SETTING, config=dataclasses.replace(CONFIG, snapshots=(10, 20)))
        speed = calibration.calibrate([experiment(setting, DENSE, 0, 0)], digits, "cpu")
        assert speed.step > 0 and speed.image > 0 and speed.scoring == 0

    def test_searches_before_training_are_not_free(self):
        """Nothing is trained, and scores are taken all the same, as often as there are rounds."""
        from lottery.experiments.network_data import data_of

        one = search(3)
        data = data_of(one.setting, "cpu")
        speed = calibration.calibrate([one], data, "cpu")
        assert one.steps == 0 and speed.step == 0 and speed.scoring > 0
        assert speed.seconds(one, [1, 1, 1]) == pytest.approx(3 * speed.scoring)
