"""Networks and data sets of users: what they declare, what names their results, what is refused, and how they train."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.data import catalogue
from lottery.experiments import own_datasets, own_networks
from lottery.experiments.arms import DENSE
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import check, key
from lottery.experiments.named_arms import branch, chain
from lottery.experiments.plan import measure
from lottery.experiments.population import Population
from lottery.experiments.scales import EARLY_STOP, SCALES
from lottery.experiments.worker import Worker
from lottery.models.architectures import ARCHITECTURES, network
from lottery.models.initialisers import INITIALISERS, initial_weights
from lottery.store.store import Store
from lottery.training.schedules import COSINE
from tests.conftest import begin

PERCEPTRON = """
from torch import nn
def network():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
network.training = {"learning_rate": 0.05, "iterations": 40, "interval": 20, "batch_size": 10}
"""
POINTS = """
import numpy as np
def data():
    draws = np.random.default_rng(0)
    labels = np.arange(90) // 3 % 3
    images = (np.eye(3)[labels].repeat(2, 1) + draws.normal(0, 0.1, (90, 6))).astype("float32")
    return {part: (images[place::3], labels[place::3]) for place, part in enumerate(("train", "validation", "test"))}
"""


@pytest.fixture
def mine(load_source):
    """A perceptron on points of three kinds, both a user's own."""
    load_source(own_datasets, POINTS, "points", "data")
    return load_source(own_networks, PERCEPTRON, "mine", "network")


def trained(name, arm=DENSE, round=0, seeds=(0,)):
    """Return records of an arm of a network at the scale tiny, by seed."""
    setting = SCALES["tiny"].setting(name, EARLY_STOP)
    experiments = [experiment(setting, arm, round, seed) for seed in seeds]
    return compute(Population(experiments), {one: {} for one in experiments})


def name_of(name):
    setting = SCALES["tiny"].setting(name, EARLY_STOP)
    return key(experiment(setting, DENSE, 0, 0), catalogue.load(setting.dataset).fingerprint, "float32")


def test_it_trains_on_data_of_its_own(mine):
    """Points that lie apart are told apart; the setting is what was declared, with the suite's own beside it."""
    setting = SCALES["paper"].setting(mine, EARLY_STOP)
    assert setting.dataset == "points" and setting.config.optimiser == "adam"
    assert setting.config.iterations == 40 and setting.config.learning_rate == 0.05
    records = trained(mine, seeds=(0, 1))
    assert all(record.measurements["test_accuracy_end"] > 60 for record in records.values())
    assert len(catalogue.load("points").train.images) == 30


def test_weights_start_as_the_module_is_built(mine):
    """As torch draws them, other ones for every seed and layer, the same again, whatever was drawn before."""
    first, again, other = (initial_weights(network(mine), seed) for seed in (0, 0, 1))
    torch.manual_seed(torch.seed())
    for ours, theirs, others in zip(first, again, other, strict=True):
        assert torch.equal(ours, theirs) and not torch.equal(ours, others)
    bound = 6**-0.5  # of torch's own Linear
    assert first[0].abs().max() <= bound and first[0].abs().max() > 0.8 * bound and first[0].shape == (6, 8)
    state = torch.random.get_rng_state()
    initial_weights(network(mine), 2)
    assert torch.equal(state, torch.random.get_rng_state())


REST = """
import torch
from torch import nn
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.norm, self.output = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        self.bare, self.one_axis = nn.Parameter(torch.randn(8, 8)), nn.Conv1d(1, 1, 3, padding=1)
        nn.init.constant_(self.norm.weight, 0.5)
    def forward(self, x):
        x = self.norm(self.inner(x)).relu() @ self.bare
        return self.output(self.one_axis(x.unsqueeze(1)).squeeze(1))
def network():
    return Network()
network.training = {"learning_rate": 0.05, "iterations": 40, "interval": 20, "batch_size": 10}
"""


def test_what_belongs_to_no_layer_starts_as_the_module_is_built(load_source):
    """Bare parameters, other kinds of layers, scales that are not one: other draws for other seeds, in every arm."""
    load_source(own_datasets, POINTS, "points", "data")
    mine = load_source(own_networks, REST, "mine", "network")
    setting, layout = SCALES["tiny"].setting(mine, EARLY_STOP), network(mine).layout
    dense = [experiment(setting, DENSE, 0, seed) for seed in range(2)]
    starts = [layout.module_views(begin(one).start) for one in dense]
    for name in ("bare", "one_axis.weight", "one_axis.bias"):
        assert not torch.equal(starts[0][name], starts[1][name]) and starts[0][name].abs().min() > 0
    for start in starts:
        assert 0.7 < start["bare"].std() < 1.3 and start["norm.weight"].eq(0.5).all()
        assert not any(start[name].any() for name in ("inner.bias", "output.bias", "norm.bias"))
    record = compute(Population(dense[:1]), {dense[0]: {}})[dense[0]]
    for arm in (chain("large_final"), branch("large_final", "reinit")):
        again = layout.module_views(begin(experiment(setting, arm, 1, 0), record).start)
        assert all(
            torch.equal(again[name], starts[0][name])
            for name in again
            if not name.endswith(("inner.weight", "output.weight"))
        )
        kept = again["inner.weight"] != 0
        assert torch.equal(again["inner.weight"][kept], starts[0]["inner.weight"][kept]) == (
            arm == chain("large_final")
        )


def test_declared_initialisers_and_rates(load_source):
    """What is declared counts: how weights start, what a round prunes, and that all layers are ranked as one."""
    load_source(own_datasets, POINTS, "points", "data")
    more = "\nnetwork.initialiser = 'glorot_normal'\nnetwork.pruned = {'hidden': 50}\nnetwork.scope = 'global'"
    architecture = network(load_source(own_networks, PERCEPTRON + more, "mine", "network"))
    hidden, output = architecture.layers
    expected = INITIALISERS["glorot_normal"](layer=hidden, generator=stream(0, "init", hidden.name))
    assert torch.equal(initial_weights(architecture, 0)[0], expected)
    assert architecture.rate(hidden) == 1 / 2 and architecture.rate(output) == 0 and architecture.scope == "global"


def test_results_are_named_by_all_it_is_made_of(load_source, mine):
    """Another layer, another start or another training is another name; a comment or the folder is none."""
    before = name_of(mine)
    assert name_of(load_source(own_networks, PERCEPTRON, "mine", "network")) == before
    edits = {
        "nn.Linear(6, 8)": "nn.Linear(6, 8).double().float()",
        '"iterations": 40': '"iterations": 60',
        "nn.ReLU()": "nn.ReLU(inplace=True)",
    }
    names = {name_of(load_source(own_networks, PERCEPTRON.replace(*edit), "mine", "network")) for edit in edits.items()}
    assert len(names | {before}) == 4


def test_all_is_forgotten(mine):
    """Nothing of it stays in any register."""
    own_networks.forget(mine)
    own_datasets.forget("points")
    assert mine not in ARCHITECTURES and mine not in own_networks.FINGERPRINTS and "points" not in catalogue.DATASETS
    assert not any(mine in scale.settings for scale in SCALES.values()) and not own_datasets.names()
    assert not any(mine in name for name in INITIALISERS)


def test_chains_of_it_prune_and_rewind(mine):
    """A round removes a fifth of the hidden weights and a tenth of the output's; survivors start where they started."""
    setting = SCALES["tiny"].setting(mine, EARLY_STOP)
    dense = experiment(setting, DENSE, 0, 0)
    ticket = experiment(setting, chain("large_final"), 1, 0)
    record = compute(Population([dense]), {dense: {}})[dense]
    prepared = begin(ticket, record)
    layout = network(mine).layout
    assert [int(mask.sum()) for mask in prepared.cut.masks] == [48 - 9, 24 - 2] == list(network(mine).kept(1))
    start = layout.join(initial_weights(network(mine), 0))
    assert torch.equal(prepared.start, start * prepared.cut.trainable)
    assert ticket in compute(Population([ticket]), {ticket: {dense: record}})


NETWORKS = {
    "return 3": "the function returned int, not a torch.nn.Module",
    "raise ValueError('no')": "the function raised .*: ValueError: no",
    "return nn.Sequential(nn.Linear(6, 8), nn.Linear(9, 3))": r"takes 6 values an image, as its first layer has them, "
    r"and cannot compute with 2, a tensor \(2, 6\): it raised RuntimeError: mat1 and mat2 shapes cannot be",
    "return nn.Sequential(nn.Linear(6, 3), nn.Flatten(0))": r"of 2 images the module makes a tensor \(6,\); it must",
    "return nn.Sequential(nn.Linear(6, 3), nn.Unflatten(0, (2, -1)), nn.Flatten(0, 1))": r"cannot compute with 1, a",
    "return nn.Sequential(nn.ReLU())": "no Linear and no Conv2d layer, so there is nothing to prune",
    "return nn.Conv2d(1, 2, 3)": "its first layer is a convolution: declare FUNCTION.input_shape",
    "import pytest; pytest.skip('now')": "the function raised .*: Skipped: now",
}
DECLARATIONS = {
    "trainning = {}": "the attribute 'trainning' is not a declaration; a network can declare dataset, input_shape",
    "dataset = 'mnits'": "there is no data set 'mnits': declare FUNCTION.dataset = NAME, one of digits",
    "training = {'rate': 1}": "its declaration `training` has rate; it can have optimiser, learning_rate",
    "training = {'iterations': 'many'}": "`training` is not valid: 'iterations' is wrong: Input should be a valid",
    "training = {'iterations': 0}": "its declaration `training` has iterations = 0, below one",
    "training = {'schedule': 'linear'}": "schedule 'linear' is not one of constant, steps, cosine",
    "training = {'optimiser': 'lion'}": "optimiser 'lion' is not one of adam, sgd",
    "pruned = {'hidden': 100}": "the attribute 'pruned.hidden' is wrong: Input should be less than 100",
    "scope = 'everything'": "the attribute 'scope' is wrong: Input should be 'layer' or 'global'",
    "initialiser = 'zeros'": "there is no initialiser 'zeros'; the initialisers are",
}


@pytest.mark.parametrize("body", NETWORKS)
def test_what_is_no_network_is_one_message(load_source, body):
    load_source(own_datasets, POINTS, "points", "data")
    with pytest.raises(LotteryError, match=f"--network mine=.*mine.py:network: .*{NETWORKS[body]}"):
        load_source(own_networks, f"from torch import nn\ndef network():\n    {body}\n", "mine", "network")
    assert "mine" not in ARCHITECTURES


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_wrong_declarations_are_one_message(load_source, declaration):
    load_source(own_datasets, POINTS, "points", "data")
    with pytest.raises(LotteryError, match=f"--network mine=.*: .*{DECLARATIONS[declaration]}"):
        load_source(own_networks, PERCEPTRON + f"network.{declaration}\n", "mine", "network")
    assert "mine" not in ARCHITECTURES


OFTEN = """from torch import nn
class Often(nn.Module):
    def forward(self, x):
        if len(x) > 2:
            raise ValueError('too many')
        return x
"""
FAILS = """
class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)
    def forward(self, x):
        raise ValueError('no')
def network():
    return Fails()
"""


def test_a_module_that_fails_is_told_with_its_line(load_source):
    """Before anything is trained; what only Python's and torch's code has seen has no line."""
    load_source(own_datasets, POINTS, "points", "data")
    with pytest.raises(LotteryError, match="it raised an error in .*mine.py, line 7, in forward: ValueError: no"):
        load_source(own_networks, f"from torch import nn{FAILS}", "mine", "network")
    assert "mine" not in ARCHITECTURES


@pytest.mark.parametrize(
    "layers, message",
    [
        ("Often(), nn.Linear(6, 3)", "raised an error in .*mine.py, line 5, in forward: ValueError: too many"),
        ("nn.Linear(6, 3), nn.BatchNorm1d(3)", "raised ValueError: Expected more than 1 value per channel"),
    ],
)
def test_a_module_that_fails_in_training_fails_what_needs_it_alone(load_source, tmp_path, layers, message):
    """In a run and in what a plan measures; it is none of the suite's own faults."""
    load_source(own_datasets, POINTS.replace("90", "93"), "points", "data")
    batch = 4 if "Often" in layers else 1
    source = (
        f"{OFTEN}def network():\n    return nn.Sequential({layers})\nnetwork.training = {{'batch_size': {batch}}}\n"
    )
    setting = SCALES["tiny"].setting(load_source(own_networks, source, "mine", "network"), EARLY_STOP)
    one, worker = experiment(setting, DENSE, 0, 0), Worker(Store(tmp_path / "store"), "cpu", "float32")
    with pytest.raises(LotteryError, match=f"^network 'mine' {message}"):
        measure(worker, [one])
    worker.work([one])
    assert not worker.entries and re.match(f"network 'mine' {message}", worker.failed[one])


@pytest.mark.parametrize(
    "edit, message",
    [
        (("nn.Linear(8, 3)", "nn.Linear(8, 2)"), "mine has 2 outputs, and points 3 classes"),
        (
            ("nn.Linear(6, 8)", "nn.Linear(12, 8)"),
            "mine takes 12 values an image, as its first layer has them, and points",
        ),
        (('"batch_size": 10', '"batch_size": 31'), "mine trains in batches of 31, and points has 30 images"),
    ],
)
def test_networks_that_do_not_fit_their_data_are_one_message(load_source, edit, message):
    load_source(own_datasets, POINTS, "points", "data")
    with pytest.raises(LotteryError, match=f"--network mine=.*: {message}"):
        load_source(own_networks, PERCEPTRON.replace(*edit), "mine", "network")
    assert "mine" not in ARCHITECTURES


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_label_beyond_the_outputs_is_found_in_whichever_part(load_source, part):
    """Where the network is never trained on it, too: it would fail when it is evaluated."""
    source = POINTS.replace("return {", "parts = {") + f"    parts['{part}'][1][4] += 3\n    return parts\n"
    load_source(own_datasets, source, "points", "data")
    message = f"mine has 3 outputs, and points 5 classes: its part '{part}' has the label 4"
    with pytest.raises(LotteryError, match=f"--network mine=.*: {message}"):
        load_source(own_networks, PERCEPTRON, "mine", "network")
    assert "mine" not in ARCHITECTURES


def test_networks_that_do_not_fit_data_of_the_suite_are_one_message_of_their_claims(load_source):
    """Which may have to be downloaded first."""
    for inputs, message in (
        (64, "mine has 3 outputs, and digits 10 classes"),
        (784, "mine takes 784 values an image, .*64"),
    ):
        source = PERCEPTRON.replace("(6, 8)", f"({inputs}, 8)") + "network.dataset = 'digits'"
        name = load_source(own_networks, source, "mine", "network")
        with pytest.raises(LotteryError, match=message):
            check(experiment(SCALES["tiny"].setting(name, EARLY_STOP), DENSE, 0, 0))


def test_a_schedule_is_declared_by_its_form(load_source):
    load_source(own_datasets, POINTS, "points", "data")
    more = "\nnetwork.training |= {'schedule': 'cosine'}"
    name = load_source(own_networks, PERCEPTRON + more, "mine", "network")
    assert SCALES["tiny"].setting(name, EARLY_STOP).config.schedule == COSINE


def test_a_network_says_what_it_is_trained_on(load_source):
    """Without a data set of one's own there is none that goes without saying."""
    with pytest.raises(LotteryError, match="it does not say what it is trained on: declare FUNCTION.dataset") as error:
        load_source(own_networks, PERCEPTRON, "mine", "network")
    assert ", mnist," in str(error.value) and "?" not in str(error.value)  # behind names of what is not as published


SETS = {
    "return 3": "its function returned int; it must return a dict of train, validation, test",
    "return {'train': 1}": "its function returned a dict of train; it must return",
    "return dict.fromkeys(PARTS, (x, y[:3]))": "its part 'train' has images \\(9, 6\\) and labels \\(3,\\)",
    "return dict.fromkeys(PARTS, (x, y - 1))": "labels of its part 'train' must be whole numbers from zero; one is -1",
    "return dict.fromkeys(PARTS, (x, y / 2))": "labels of its part 'train' must be whole numbers .*; they are float64",
    "return dict.fromkeys(PARTS, (x.astype(int), y))": "the images of its part 'train' are int64; make them bytes",
    "return dict.fromkeys(PARTS, (x * np.nan, y))": "the images of its part 'train' are not all finite",
    "return dict.fromkeys(PARTS, x)": "its part 'train' must be a pair of images and labels, not ndarray",
    "return dict.fromkeys(PARTS, (x, y)) | {'test': (x[:, :3], y)}": "its parts have images of different shapes",
    "raise OSError('gone')": "raised .*: OSError: gone",
}


@pytest.mark.parametrize("body", SETS)
def test_what_is_no_data_set_is_one_message(load_source, body):
    source = "import numpy as np\nPARTS = 'train', 'validation', 'test'\nx = np.ones((9, 6))\ny = np.arange(9) % 3\n"
    with pytest.raises(LotteryError, match=f"--dataset points=.*: data set 'points'.*{SETS[body]}"):
        load_source(own_datasets, f"{source}def data():\n    {body}\n", "points", "data")
    assert "points" not in catalogue.DATASETS and not own_datasets.names()


def test_data_that_differ_each_time_they_are_read_are_refused(load_source):
    """Drawn without a seed, they would be measured as one; numbers of numpy's and torch's own begin anew each time."""
    load_source(own_datasets, POINTS, "points", "data")
    own_datasets.check_alike("points")
    load_source(own_datasets, POINTS.replace("np.random.default_rng(0)", "np.random"), "points", "data")
    own_datasets.check_alike("points")
    load_source(own_datasets, POINTS.replace("default_rng(0)", "default_rng()"), "points", "data")
    with pytest.raises(LotteryError, match="data set 'points' returns other images or labels when it is asked again"):
        own_datasets.check_alike("points")


def test_data_are_those_that_the_process_which_began_the_run_has_read(load_source):
    """By their fingerprints: what is drawn while a file is imported is the same for as long as a process lives."""
    assert own_datasets.fingerprints() == {}
    load_source(own_datasets, POINTS, "points", "data")
    read = own_datasets.fingerprints()
    own_datasets.check_alike_elsewhere(read)
    drawn = POINTS.replace("draws = np.random.default_rng(0)", "draws = np.random.default_rng(SEED)")
    load_source(own_datasets, f"import os\nSEED = os.urandom(8)[0] + 256\n{drawn}", "points", "data")
    own_datasets.check_alike("points")
    with pytest.raises(LotteryError, match="data set 'points' differs from process to process of this run"):
        own_datasets.check_alike_elsewhere(read)


def test_the_documentation_has_networks_and_data_that_train(load_source):
    """Each example by its file's name; two steps of each, on data that they declare or on their own."""
    blocks = re.findall(
        r"```python\n# (\w+)\.py\n(.*?)```", (Path(__file__).parents[1] / "docs/add_network.md").read_text(), re.DOTALL
    )
    examples = dict(blocks)
    load_source(own_datasets, examples["points"], "points", "data")
    assert catalogue.load("points").train.images.shape == (1_000, 12)
    settings = []
    for name in ("net", "conv"):
        mine = load_source(own_networks, examples[name], name, "network")
        setting = SCALES["tiny"].setting(mine, EARLY_STOP)
        settings.append(replace(setting, config=replace(setting.config, iterations=2, interval=2)))
    for setting in settings:
        one = experiment(setting, DENSE, 0, 0)
        assert compute(Population([one]), {one: {}})[one].measurements["test_accuracy_end"] > 0


def test_bytes_are_pixels_and_numbers_are_taken_as_they_are(load_source):
    """Bytes are divided by 255, tensors do as well as arrays."""
    body = "    x = torch.full((4, 2), 255, dtype=torch.uint8)\n    y = torch.arange(4) % 2\n"
    parts = "    return {'train': (x, y), 'validation': (x, y), 'test': (-3.0 * x, y)}\n"
    load_source(own_datasets, f"import torch\ndef data():\n{body}{parts}", "points", "data")
    loaded = catalogue.load("points")
    assert loaded.train.images.eq(1).all() and loaded.test.images.eq(-765).all()
    assert loaded.train.labels.tolist() == [0, 1, 0, 1]
