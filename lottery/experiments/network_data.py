"""The data that a setting's network is trained on, as the network takes it."""

from lottery.data.catalogue import load
from lottery.data.datasets import Dataset, shaped
from lottery.store.fingerprints import listed
from lottery.training.config import Setting


@listed
def data_of(setting: Setting, device: str = "cpu") -> Dataset:
    """Return a setting's data set, preprocessed, its images in the network's input shape; of a made task seed 0's.

    Raise with one message if it cannot be had, or if it is not for this network.
    """
    data = load(setting.dataset, device, setting.preprocessing)
    return shaped(data, setting.architecture.input_shape, setting.network)
