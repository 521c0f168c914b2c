"""Fields that came later: at their defaults they change no name, and otherwise they do."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from lottery.core.later import counted, later
from lottery.experiments.arms import DENSE
from lottery.experiments.keys import described
from lottery.training.config import Config, Setting

CONFIG = Config("adam", 1e-2, 20, 60, 20)


@dataclass(frozen=True)
class Before:
    kind: ClassVar[str] = "some"
    size: int
    share: float = 0.5


@dataclass(frozen=True)
class After(Before):
    order: str = later("")


def test_a_later_field_at_its_default_is_as_if_it_were_not_there():
    """What had defaults from the beginning counts whatever it is, class variables too; a later field only otherwise."""
    assert counted(After(3)) == counted(Before(3)) == {"kind": "some", "size": 3, "share": 0.5}
    assert counted(After(3, order="other")) == counted(Before(3)) | {"order": "other"}


@pytest.mark.parametrize("field", ["momentum", "weight_decay", "data_order", "snapshots", "schedule"])
def test_fields_of_the_first_results_always_count(field):
    """They are in the names of what is kept."""
    assert field in described(CONFIG)


def test_descriptions_are_nested_data():
    """Schedules within configs are fields alone, parts of arms have their classes."""
    assert described(CONFIG)["schedule"] == {"form": "constant", "warm_up": 0, "milestones": (), "gamma": 0.1}
    assert described(DENSE, classes=True)["mask"] == {"class": "Dense", "by_round": False, "kind": "dense"}


def test_augmentation_and_preprocessing_came_later():
    """By default neither is named anywhere; asked for, both are."""
    setting = Setting("lenet-96-48", "digits", CONFIG)
    assert "augmentation" not in described(CONFIG) and setting.data == "digits"
    assert described(replace(CONFIG, augmentation="flip and crop"))["augmentation"] == "flip and crop"
    assert replace(setting, preprocessing="per image").data == "digits, per image"
