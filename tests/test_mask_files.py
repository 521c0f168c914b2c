"""Files of masks: read back as they were written, small, named by what they hold, and one message when damaged."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery.core.errors import LotteryError
from lottery.masks import files

MASKS = {"0.weight": torch.tensor([[True, False, True]]), "body.2.weight": torch.ones(2, 3, 3, 3).bool()}


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(), st.lists(st.integers(0, 5), max_size=4), max_size=4), st.integers(0, 10**6))
def test_masks_are_read_back(tmp_path_factory, shapes, seed):
    """Any names and shapes, empty ones and single places too, in their order; the same hash before and after."""
    generator = torch.Generator().manual_seed(seed)
    masks = {name: torch.rand(shape, generator=generator) < 0.5 for name, shape in shapes.items()}
    path = tmp_path_factory.mktemp("masks") / "some masks"
    assert files.save(path, masks) == files.digest(masks)
    found = files.load(path)
    assert list(found) == list(masks) and all(torch.equal(found[name], masks[name]) for name in masks)
    assert all(mask.dtype == torch.bool for mask in found.values()) and [path] == [*path.parent.iterdir()]


def test_a_file_is_an_eighth_of_a_byte_a_weight(tmp_path):
    """Whatever the masks keep, but for a kilobyte."""
    files.save(tmp_path / "masks", {"a": torch.rand(1000, 1000, generator=torch.Generator().manual_seed(0)) < 0.1})
    assert 125_000 < (tmp_path / "masks").stat().st_size < 126_000


def test_notes_are_kept(tmp_path):
    """Beside the masks, whose hash they do not change; an existing file is replaced."""
    first = files.save(tmp_path / "masks", MASKS, criterion="large_final", round=3, accuracy=[0.9, None])
    assert files.notes(tmp_path / "masks") == {"criterion": "large_final", "round": 3, "accuracy": [0.9, None]}
    assert files.save(tmp_path / "masks", MASKS) == first and files.notes(tmp_path / "masks") == {}


def test_a_hash_is_of_what_is_kept():
    """Of names, shapes and places, whatever the order and the layout in memory; masks that differ have another."""
    same = [MASKS, dict(reversed(MASKS.items())), {name: mask.mT.contiguous().mT for name, mask in MASKS.items()}]
    assert len({files.digest(masks) for masks in same}) == 1
    flipped = {**MASKS, "0.weight": torch.tensor([[True, False, False]])}
    renamed = {name.replace("body", "rest"): mask for name, mask in MASKS.items()}
    reshaped = {**MASKS, "0.weight": MASKS["0.weight"].T}
    longer = {**MASKS, "0.weight": torch.tensor([[True, False, True, False]])}  # packed to the same byte
    swapped = dict(zip(MASKS, reversed(MASKS.values())))
    others = [MASKS, flipped, renamed, reshaped, longer, swapped, {}]
    assert len({files.digest(masks) for masks in others}) == len(others)


def test_a_hash_never_changes():
    """It is written into files and papers."""
    assert files.digest(MASKS) == "ce8753e76921903d523388050c43d7bf"


def test_any_damage_is_one_message(tmp_path):
    """A byte changed anywhere, or the end cut off: either noticed, or of no consequence for the masks."""
    path = tmp_path / "masks"
    files.save(path, MASKS, round=1)
    whole, noticed = path.read_bytes(), 0
    cut = [whole[:size] for size in range(0, len(whole), 7)]
    changed = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole))]
    for content in itertools.chain(cut, changed):
        path.write_bytes(content)
        try:
            found = files.load(path)
        except LotteryError as error:
            noticed += 1
            assert "masks is damaged, or is not a file of masks" in str(error) or "in format" in str(error)
        else:
            assert all(torch.equal(found[name], MASKS[name]) for name in MASKS)
    assert noticed > len(cut) + len(changed) / 2


@pytest.mark.parametrize("change", [{"shapes": {"0.weight": [2]}}, {"digest": "0"}, {"shapes": {"0.weight": [99]}}])
def test_masks_that_were_not_saved_are_one_message(tmp_path, change):
    """A header of another file, whole in itself."""
    files.save(tmp_path / "masks", {"0.weight": MASKS["0.weight"]})
    with np.load(tmp_path / "masks") as archive:
        about, bits = json.loads(archive["header"].tobytes()), archive["bits"]
    with (tmp_path / "masks").open("wb") as file:
        np.savez(file, header=np.frombuffer(json.dumps(about | change).encode(), np.uint8), bits=bits)
    with pytest.raises(LotteryError, match="masks is damaged, or is not a file of masks"):
        files.load(tmp_path / "masks")


def test_what_is_no_archive_is_said_so(tmp_path):
    """Without advice on how to run a stranger's pickle."""
    (tmp_path / "masks").write_bytes(b"no masks")
    with pytest.raises(LotteryError, match="its content is no npz archive") as error:
        files.load(tmp_path / "masks")
    assert "pickle" not in str(error.value)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda folder: files.load(folder / "none"), "there is no file .*none"),
        (lambda folder: files.notes(folder), "is damaged, or is not a file of masks"),
        (lambda folder: files.save(folder, MASKS), "masks cannot be written to"),
        (lambda folder: files.save(folder / "none" / "masks", MASKS), "masks cannot be written to"),
        (lambda folder: files.save(folder / "masks", MASKS, why=torch.ones(1)), "notes of masks have to be plain data"),
        (
            lambda folder: files.save(folder / "masks", {"a": torch.ones(1)}),
            "the mask of 'a' is a tensor of torch.float32",
        ),
    ],
)
def test_what_cannot_be_written_or_read_is_one_message(tmp_path, call, message):
    """No file, no folder, notes that are no plain data, masks that are none; nothing is left behind."""
    with pytest.raises(LotteryError, match=message):
        call(tmp_path)
    assert not [*tmp_path.iterdir()]
