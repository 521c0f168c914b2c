"""Experiments: chains and branches, masks and starts, and names made of content."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from lottery.core.errors import LotteryError
from lottery.core.rng import stream
from lottery.experiments import chain_masks as chains
from lottery.experiments.all_parts import parents
from lottery.experiments.arms import DENSE, Arm, Continue, Evaluate, From, Iterative, OneShot, Reset
from lottery.experiments.chain_masks import initial, no_masks, pack, unpack, weights_of
from lottery.experiments.computing import compute
from lottery.experiments.experiment import experiment
from lottery.experiments.keys import criteria_of, key
from lottery.experiments.mask_parts import OneShotMask
from lottery.experiments.named_arms import branch, chain, continued, dissected, one_shot, reset_at_the_end, untrained
from lottery.experiments.parts import part_of
from lottery.experiments.population import Population
from lottery.experiments.scales import SUPERMASK_ROUNDS
from lottery.masks import criteria
from lottery.masks.pruned_values import PRUNED
from lottery.models.architectures import network
from lottery.models.initialisers import initial_weights
from lottery.models.layout import Layout
from lottery.store.store import Record
from lottery.training.config import Config, Setting
from tests.conftest import SMALL, begin

SETTING = Setting(SMALL, "digits", Config("adam", 1e-2, 20, 40, 20))


def final_weights(seed, change=0.3):
    """Return parameters (P,) of a network that moved from its initial weights."""
    generator = torch.Generator().manual_seed(seed + 99)
    moved = [w + change * torch.randn(w.shape, generator=generator) for w in initial_weights(network(SMALL), seed)]
    return Layout(network(SMALL)).join(moved)


def dense_entry(seed):
    return Record({}, {"final": final_weights(seed).numpy()})


def treated(one, round, masks, previous):
    """Return what an experiment's own start makes of the weights of a round."""
    return chains.treated(one, one.arm.start, round, masks, previous)


def carried(one, made, final):
    """Return the record that an experiment leaves to later ones, having trained from what it was `made` to."""
    return part_of(one.arm.mask)(one).carry(made.cut, made.start, final)


class TestParents:
    def test_chain_hangs_on_itself(self):
        """Round n of a chain needs round n - 1 of the same chain, round 1 the dense network."""
        treated = chain("large_final", "constant")
        assert parents(experiment(SETTING, treated, 3, 0)) == (experiment(SETTING, treated, 2, 0),)
        assert parents(experiment(SETTING, treated, 1, 0)) == (experiment(SETTING, DENSE, 0, 0),)

    def test_branch_hangs_on_the_rewinding_chain(self):
        """A branch trains under the masks of the chain that rewinds."""
        assert parents(experiment(SETTING, branch("large_final", "reinit"), 3, 0)) == (
            experiment(SETTING, chain("large_final"), 2, 0),
        )

    def test_reset_at_the_end_hangs_on_the_chain_that_trains_on(self):
        """Its masks are that chain's, its weights the first initialisation, and its results have their own name."""
        one = experiment(SETTING, reset_at_the_end("large_final"), 3, 0)
        trunk = experiment(SETTING, continued("large_final"), 2, 0)
        assert parents(one) == (trunk,)
        following = [
            torch.rand(w.shape, generator=torch.Generator().manual_seed(5)) < 0.5
            for w in initial_weights(network(SMALL), 0)
        ]
        source = Record({}, {"next_masks": pack(following), "final": final_weights(0).numpy()})
        made = begin(one, source)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(made.cut.masks, following))
        for ours, mask, w_init in zip(weights_of(one, made.start), made.cut.masks, initial_weights(network(SMALL), 0)):
            assert torch.equal(ours, w_init * mask)

    def test_dissected_arms_look_at_the_rewinding_chain(self):
        """At a round of their own, by the mask that the chain left; the dense network tells what became of weights."""
        one = experiment(SETTING, dissected("large_final"), 3, 1)
        dense = experiment(SETTING, DENSE, 0, 1)
        assert (one.round, one.steps, one.dense) == (3, 0, dense)
        assert parents(one) == (experiment(SETTING, chain("large_final"), 2, 1), dense)
        first = experiment(SETTING, dissected("large_final"), 1, 1)
        assert parents(first) == (dense,)
        found = compute(Population([first]), {first: {dense: dense_entry(1)}})[first].measurements["anatomy"]
        masks = begin(first, dense_entry(1)).cut.masks
        shares = [float((w[mask] > 0).double().mean()) for w, mask in zip(initial_weights(network(SMALL), 1), masks)]
        assert [layer["positive"] for layer in found.values()] == pytest.approx(shares)

    def test_one_shot_and_untrained_hang_on_the_dense_network(self):
        """Whatever the round."""
        for arm in (one_shot("large_final"), untrained("large_final", "constant")):
            assert parents(experiment(SETTING, arm, 9, 4)) == (experiment(SETTING, DENSE, 0, 4),)

    def test_pruning_before_training_hangs_on_nothing(self):
        """A criterion that looks at no trained weights needs no dense run."""
        for arm in (chain("random"), chain("large_init"), untrained("random"), branch("random", "reinit")):
            assert parents(experiment(SETTING, arm, 5, 0)) == ()

    def test_what_goes_on_from_trained_weights_hangs_on_them(self):
        """Random masks need no training, but frozen values and continued training do, under whatever criterion."""
        for arm in (chain("random", pruned="variant_1"), continued("random")):
            assert parents(experiment(SETTING, arm, 3, 0)) == (experiment(SETTING, arm, 2, 0),)
            assert parents(experiment(SETTING, arm, 1, 0)) == (experiment(SETTING, DENSE, 0, 0),)
            masks, start, *_ = run_chain(arm, 2)[-1]
            pruned_at_init = any((values[~mask] != 0).any() for values, mask in zip(start, masks))
            rewound = all(
                torch.equal(values[mask], w[mask])
                for values, mask, w in zip(start, masks, initial_weights(network(SMALL), 0))
            )
            assert (pruned_at_init, rewound) == ((False, False) if isinstance(arm.start, Continue) else (True, True))

    def test_round_zero_is_the_dense_network(self):
        """Nothing is pruned yet, whatever the arm."""
        assert experiment(SETTING, chain("large_final", "constant"), 0, 1) == experiment(SETTING, DENSE, 0, 1)


class TestMasks:
    @pytest.mark.parametrize(
        "criterion", ["large_final", "small_final", "large_final_same_sign", "large_init", "random"]
    )
    def test_chain_masks_are_nested_with_exact_counts(self, criterion):
        """Round after round each layer keeps exactly what the ladder says, of what it kept before."""
        arm, seed = chain(criterion), 2
        one = experiment(SETTING, arm, 1, seed)
        before, sources = no_masks(one), [dense_entry(seed)] if parents(one) else []
        for round in range(1, 6):
            one = experiment(SETTING, arm, round, seed)
            made = begin(one, *sources)
            masks = made.cut.masks
            assert tuple(int(mask.sum()) for mask in masks) == network(SMALL).kept(round)
            assert not any((mask & ~earlier).any() for mask, earlier in zip(masks, before))
            before = masks
            final = final_weights(seed + round) * Layout(network(SMALL)).trainable(masks)
            if parents(one):
                sources = [carried(one, made, final)]
            else:
                assert not carried(one, made, final).arrays

    def test_untrained_rungs_are_nested_with_exact_counts(self):
        """The 25 rungs of a heuristic supermask, from everything down to half a per cent."""
        one = experiment(SETTING, untrained("large_final"), 0, 0)
        rungs = OneShotMask(one).rungs({one.dense: dense_entry(0)}, SUPERMASK_ROUNDS)
        assert [tuple(int(mask.sum()) for mask in masks) for masks in rungs] == [
            network(SMALL).kept(n) for n in range(25)
        ]
        for larger, smaller in zip(rungs, rungs[1:]):
            assert not any((mask & ~earlier).any() for mask, earlier in zip(smaller, larger))

    def test_large_final_keeps_the_largest(self):
        """In every layer max |pruned| <= min |kept|, and biases are never pruned."""
        masks = begin(experiment(SETTING, one_shot("large_final"), 4, 0), dense_entry(0)).cut.masks
        layout = Layout(network(SMALL))
        for mask, weights in zip(masks, layout.weight_views(final_weights(0)[None])):
            assert weights[0][~mask].abs().max() <= weights[0][mask].abs().min()
        trainable = layout.trainable(masks)
        assert all((trainable[part] == 1).all() for part in layout.biases)
        assert (trainable[layout.biases[-1].stop :] == 0).all()  # padding

    def test_criteria_and_seeds_choose_differently(self):
        """Same dense weights, other criterion: other masks. Other seed: other random masks."""
        chosen = {
            name: pack(begin(experiment(SETTING, one_shot(name), 4, 0), dense_entry(0)).cut.masks)
            for name in ("large_final", "small_final")
        }
        assert not np.array_equal(chosen["large_final"], chosen["small_final"])
        one, other = (pack(begin(experiment(SETTING, chain("random"), 4, seed)).cut.masks) for seed in (0, 1))
        assert not np.array_equal(one, other)

    def test_pack_and_unpack(self):
        """Bits come back as they went."""
        one = experiment(SETTING, chain("random"), 3, 0)
        masks = begin(one).cut.masks
        assert all(torch.equal(a, b) for a, b in zip(masks, unpack(one, pack(masks))))


def run_chain(arm, rounds, seed=0):
    """Return masks, start weights, trained and start parameters of every round of a chain whose training is made up."""
    source, states = dense_entry(seed), []
    for round in range(1, rounds + 1):
        one = experiment(SETTING, arm, round, seed)
        made = begin(one, source)
        masks, start, layout = made.cut.masks, made.start, Layout(network(SMALL))
        moved = start + layout.trainable(masks) * (final_weights(seed + round) - layout.join(initial(one)) + 0.01)
        states.append((masks, weights_of(one, start), moved, start))
        source = carried(one, made, moved)
    return states


class TestStarts:
    def test_survivors_are_bit_equal_to_their_start(self):
        """After rewinding, kept weights are the first initialisation to the bit, pruned ones exactly zero."""
        for masks, start, _, block in run_chain(chain("large_final"), 3, seed=5):
            assert all((block[part] == 0).all() for part in Layout(network(SMALL)).biases)  # biases start anew too
            for values, mask, w_init in zip(start, masks, initial_weights(network(SMALL), 5)):
                assert torch.equal(values[mask], w_init[mask]) and (values[~mask] == 0).all()

    def test_reinit_is_drawn_anew_each_round(self):
        """Two rounds of a chain start from different draws (a published code drew once for all rounds)."""
        one = experiment(SETTING, chain("large_final", "reinit"), 2, 0)
        third, fourth = (treated(one, round, no_masks(one), initial(one)) for round in (3, 4))
        assert not any(torch.equal(a, b) for a, b in zip(third, fourth))

    def test_several_reinits_per_ticket_differ(self):
        """Each draw of a branch is its own, under the same masks."""
        masks = begin(experiment(SETTING, one_shot("large_final"), 2, 0), dense_entry(0)).cut.masks
        source = Record({}, {"next_masks": pack(masks)})
        first, second = (
            begin(experiment(SETTING, branch("large_final", "reinit", draw), 2, 0), source) for draw in (0, 1)
        )
        one = experiment(SETTING, DENSE, 0, 0)
        assert all(torch.equal(mask, ours) for made in (first, second) for mask, ours in zip(masks, made.cut.masks))
        for mask, a, b in zip(masks, weights_of(one, first.start), weights_of(one, second.start)):
            assert not torch.equal(a, b) and torch.equal(a != 0, mask) and torch.equal(b != 0, mask)

    def test_arms_of_a_seed_share_their_init(self):
        """Pairing: the ticket and its signed constant have the same signs everywhere."""
        ticket, signs = (
            experiment(SETTING, chain("large_final"), 2, 7),
            experiment(SETTING, chain("large_final", "constant_initial_sign"), 2, 7),
        )
        for a, b in zip(
            treated(ticket, 2, no_masks(ticket), initial(ticket)), treated(signs, 2, no_masks(signs), initial(signs))
        ):
            assert torch.equal(a.sign(), b.sign())

    def test_reshuffling_permutes_what_the_round_before_started_from(self):
        """In a chain the values of a round are those that its kept places had in the round before, in another order."""
        states = run_chain(chain("large_final", "reshuffle"), 4)
        for (_, before, *_), (masks, after, *_) in zip(states, states[1:]):
            for old, new, mask in zip(before, after, masks):
                assert torch.equal(old[mask].sort().values, new[mask].sort().values)
                assert not torch.equal(old[mask], new[mask]) and (new[~mask] == 0).all()

    def test_continued_training_goes_on_from_the_weights(self):
        """Without a reset a round starts from the kept weights and all biases of the round before, to the bit."""
        states, layout = run_chain(continued("large_final"), 3), Layout(network(SMALL))
        for (*_, trained, _), (masks, start, _, block) in zip(states, states[1:]):
            for weights, values, mask in zip(layout.weight_views(trained[None]), start, masks):
                assert torch.equal(values, weights[0] * mask)
            assert all(torch.equal(block[part], trained[part]) and (block[part] != 0).all() for part in layout.biases)


class TestPruned:
    """Where pruned weights are frozen, round by round, against the words of Zhou et al., section 4."""

    @staticmethod
    def layers(action, rounds=3):
        states = run_chain(chain("large_final", pruned=action), rounds)
        w_init = initial_weights(network(SMALL), 0)
        everything = [torch.ones_like(w, dtype=torch.bool) for w in w_init]
        dense = [weights[0] for weights in Layout(network(SMALL)).weight_views(final_weights(0)[None])]
        before = (everything, w_init, dense)
        for masks, start, moved, _ in states:
            # mask, start, earlier mask, earlier start, earlier final, w_init
            yield from zip(masks, start, before[0], before[1], before[2], w_init)
            before = (masks, start, [weights[0] for weights in Layout(network(SMALL)).weight_views(moved[None])])

    def test_init(self):
        """Everything starts at its initial value; what is pruned stays there."""
        for _, start, *_, w_init in self.layers("init"):
            assert torch.equal(start, w_init)

    def test_variant_1(self):
        """Newly pruned weights that shrank are at zero, others at init; kept ones rewound; earlier decisions stand."""
        for mask, start, earlier, old, final, w_init in self.layers("variant_1"):
            newly = earlier & ~mask
            expected = torch.where(newly & (final.abs() < old.abs()), 0.0, w_init)
            assert torch.equal(start[newly], expected[newly]) and torch.equal(start[mask], w_init[mask])
            assert torch.equal(start[~earlier], old[~earlier])

    def test_variant_2(self):
        """Kept weights that shrank start at zero too, and stay there in later rounds."""
        for mask, start, _, old, final, w_init in self.layers("variant_2"):
            expected = torch.where((final.abs() < old.abs()) | (old == 0), 0.0, w_init)
            assert torch.equal(start, expected)
            assert (start[mask] == 0).any() and (start[~mask] != 0).any()

    def test_shuffled_control_adds_as_many_zeros(self):
        """Zeros of earlier rounds stay; each round adds as many as it prunes of weights that shrank, among these."""
        for mask, start, earlier, old, final, w_init in self.layers("variant_1_shuffled"):
            newly, zero = earlier & ~mask, start == 0
            assert torch.equal(zero[~newly], (old == 0)[~newly]) and not zero[mask].any()
            assert zero[newly].sum() == (newly & (final.abs() < old.abs())).sum()
            assert torch.equal(start[~zero], w_init[~zero])

    def test_shuffled_control_is_blind(self):
        """Of its new zeros no more have shrunk than of all that is pruned: a hypergeometric number of them."""
        n, shrunk = 4_000, 1_000
        shrank = torch.arange(n) < shrunk
        newly, none = torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
        zeros = PRUNED.call(
            "variant_1_shuffled", mask=none, newly=newly, shrank=shrank, grew=none, was_zero=none, generator=stream(0)
        )
        hits = int((zeros & shrank).sum())
        low, high = hypergeom(n, shrunk, shrunk).ppf([0.0005, 0.9995])
        assert zeros.sum() == shrunk and low <= hits <= high

    def test_reversed_control(self):
        """It sets to zero what was pruned though it grew."""
        for mask, start, earlier, old, final, w_init in self.layers("variant_1_reversed", 1):
            expected = torch.where((earlier & ~mask) & (final.abs() > old.abs()), 0.0, w_init)
            assert torch.equal(start, expected)

    def test_an_arm_changes_one_thing(self):
        """Combinations that no paper defines are refused."""
        with pytest.raises(ValueError, match="changes one thing"):
            Arm(Iterative("large_final"), Reset("reinit", "init"))
        for parts in (
            (From(chain("large_final")), Reset(pruned="init")),
            (OneShot("large_final"), Reset(pruned="init")),
            (From(chain("large_final")), Continue()),
            (OneShot("large_final"), Continue(), Evaluate()),
            (Iterative("large_final"), Continue(), Evaluate()),
        ):
            with pytest.raises(ValueError, match="need a chain that is trained"):
                Arm(*parts)


@pytest.mark.parametrize(
    "arm",
    [chain("large_final", "reinit"), chain("large_final", pruned="variant_1_shuffled"), chain("random", "constant")],
)
def test_every_draw_is_named_by_seed_round_and_layer(monkeypatch, arm):
    """Ties, treatments, frozen values: no two draws share a stream, and none is of another seed."""
    sound, names = chains.stream, []

    def stream(seed, *purpose):
        names.append((seed, *purpose))
        return sound(seed, *purpose)

    for seed in (0, 1):
        monkeypatch.setattr(chains, "stream", stream)
        before = len(names)
        if criteria_of(arm) == {"random"}:
            begin(experiment(SETTING, arm, 3, seed))
        else:
            run_chain(arm, 3, seed)
        monkeypatch.undo()
        assert {name[0] for name in names[before:]} == {seed}
        for purpose in {name[1] for name in names[before:]}:
            drawn = [name for name in names[before:] if name[1] == purpose]
            assert len(set(drawn)) == len(drawn) and {name[-1] for name in drawn} == {"dense1", "dense2", "dense3"}


class TestKeys:
    ARMS = [chain("large_final"), chain("large_final", "constant"), continued("large_final"),
            chain("large_final", pruned="init"),
            branch("large_final", "reinit"), branch("large_final", "reinit", draw=1), branch("large_final", "constant"),
            one_shot("large_final"),
            untrained("large_final"), chain("small_final"), reset_at_the_end("large_final"),
            dissected("large_final"), DENSE]  # fmt: skip

    def test_content_decides(self, digits):
        """Arm, round, seed, config, data and precision each give another name; the same content the same."""
        names = [key(experiment(SETTING, arm, 2, 0), digits.fingerprint, "float32") for arm in self.ARMS]
        one = experiment(SETTING, chain("large_final"), 2, 0)
        slower = dataclasses.replace(SETTING, config=dataclasses.replace(SETTING.config, learning_rate=5e-3))
        names += [key(other, digits.fingerprint, "float32") for other in (
            dataclasses.replace(one, round=3), dataclasses.replace(one, seed=1),
            dataclasses.replace(one, setting=slower))]  # fmt: skip
        names += [key(one, "x", "float32"), key(one, digits.fingerprint, "tf32")]
        assert len(set(names)) == len(names)
        assert key(dataclasses.replace(one), digits.fingerprint, "float32") == names[0]

    def test_dense_is_shared_by_all_criteria(self, digits):
        """Round 0 of every chain is one experiment: a new criterion never trains it again."""
        assert (
            len(
                {
                    key(experiment(SETTING, arm, 0, 0), digits.fingerprint, "float32")
                    for arm in self.ARMS
                    if arm.action.trains
                }
            )
            == 1
        )

    def test_an_edited_criterion_is_another(self, digits, monkeypatch):
        """The same name with another formula is trained again, and nothing else is."""
        before = {arm: key(experiment(SETTING, arm, 2, 0), digits.fingerprint, "float32") for arm in self.ARMS}

        def edited(w_final):
            return w_final.abs() + 1e-3

        monkeypatch.setitem(criteria.CRITERIA, "large_final", edited)
        after = {arm: key(experiment(SETTING, arm, 2, 0), digits.fingerprint, "float32") for arm in self.ARMS}
        assert {arm for arm in self.ARMS if before[arm] != after[arm]} == {
            arm for arm in self.ARMS if "large_final" in criteria_of(arm)
        }


def test_arm_names_tell_arms_apart():
    """What the files call an arm is unique."""
    arms = [
        Arm(),
        *TestKeys.ARMS[:-1],
        chain("random"),
        untrained("random"),
        branch("random", "reinit"),
        one_shot("random"),
    ]
    assert len({arm.name for arm in arms}) == len(arms)


class TestScoresBeforeTraining:
    ARMS = [chain(f"{name}_init") for name in ("snip", "grasp", "synflow")]

    @pytest.mark.parametrize("arm", ARMS)
    def test_rounds_nest_and_count(self, arm):
        """Nothing is trained for them; round by round masks are nested, with exact counts, from the initial values."""
        before = None
        for round in (1, 2, 5):
            one = experiment(SETTING, arm, round, 0)
            made = begin(one)
            masks = made.cut.masks
            assert not parents(one) and [int(mask.sum()) for mask in masks] == list(network(SMALL).kept(round))
            assert before is None or not any((now & ~then).any() for now, then in zip(masks, before))
            for weights, mask, w_init in zip(weights_of(one, made.start), masks, initial_weights(network(SMALL), 0)):
                assert torch.equal(weights, w_init * mask)
            before = masks

    def test_snip_keeps_what_autograd_says(self):
        """The first round keeps, of every layer, the largest |w dL/dw| of torch's own modules on the scored images."""
        one, layers = experiment(SETTING, chain("snip_init"), 1, 3), []
        for w_init in initial_weights(network(SMALL), 3):
            layers += [torch.nn.Linear(*w_init.shape).double(), torch.nn.ReLU()]
            layers[-2].weight.data, layers[-2].bias.data = w_init.t().double(), torch.zeros(w_init.shape[1]).double()
        images, labels = chains.scored_images(one, 0)
        assert len(images) == 100 and len(images.unique(dim=0)) > 95
        torch.nn.functional.cross_entropy(torch.nn.Sequential(*layers[:-1])(images.double()), labels).backward()
        for mask, layer in zip(begin(one).cut.masks, layers[::2]):
            size = (layer.weight * layer.weight.grad).abs().t()
            assert size[mask].min() >= size[~mask].max()

    def test_other_rounds_and_seeds_score_other_images(self):
        """Images are drawn anew for each round and seed, and alike for all criteria."""
        chosen = {(round, seed): chains.scored_images(experiment(SETTING, arm, 5, seed), round)[0].sum().item()
                  for arm in self.ARMS for round in (0, 1) for seed in (0, 1)}  # fmt: skip
        assert len(set(chosen.values())) == 4


def test_masks_of_a_shorter_training_are_those_of_a_network_trained_so_long():
    """A snapshot after 50 iterations gives the masks of a training of 50; one that is not kept is refused."""
    digits = [
        Setting(SMALL, "digits", Config("adam", 1e-2, 20, 50, 25)),
        Setting(SMALL, "digits", Config("adam", 1e-2, 20, 100, 25, snapshots=(25, 50))),
    ]
    accuracies = []
    for setting, after in zip(digits, (0, 50)):
        dense, arm = experiment(setting, DENSE, 0, 1), untrained("large_final", after=after)
        record = compute(Population([dense]), {dense: {}})[dense]
        one = experiment(setting, arm, 0, 1)
        accuracies.append(compute(Population([one]), {one: {dense: record}})[one].measurements["test_accuracy_start"])
        assert set(record.arrays) == {"final", *(f"after {iteration}" for iteration in setting.config.snapshots)}
    assert accuracies[0] == accuracies[1] and len(set(accuracies[0])) > 5
    refused = experiment(digits[1], untrained("large_final", after=75), 0, 1)
    with pytest.raises(LotteryError, match=r"keeps weights after \[25, 50\] iterations alone"):
        part_of(refused.arm.mask)(refused).check()
