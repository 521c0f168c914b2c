"""Paganini & Forde 2020: Bespoke vs. Pret-a-Porter Lottery Tickets (arXiv 2007.04091).

Row i of the paper's tables is round i + 1 here: it counts from 0 what has been pruned once.
"""

from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from math import inf

from lottery.claims.claim import claim, conjunction, effect, exact, proportion
from lottery.claims.image_quantities import above_constant, accuracy, unfinished
from lottery.claims.mask_quantities import (
    TOTAL,
    above_chance,
    agreed,
    by_size,
    common_lift,
    density,
    disconnected,
    distance,
    expected_by_chance,
    intersection,
    jaccard,
    kappa,
    kept_by,
    kept_by_all,
    largest_stays_largest,
    lift,
    logarithmic,
    of_pair,
    overlap,
    surveyed_at,
    surveyed_in,
    vote_gain,
)
from lottery.claims.quantities import Quantity, above, correlation, highest, in_order, lowest, mean, ratio
from lottery.experiments.arms import BY_LAYER, DENSE, INITIAL, UNIFORM, Arm, Continue, From, Iterative, Train
from lottery.experiments.named_arms import (
    chain,
    compared,
    consensus,
    cut_to,
    in_agreement,
    in_data_order,
    null,
    on,
    surveyed,
    ticket_from,
    units_chain,
)
from lottery.models.counts import as_printed, table_1

LENET = "lenet-conv"
LINEAR = ("dense1", "dense2", "dense3")  # its layers in which units can be pruned round after round
SOURCES = ("mnist", "fashion-mnist", "kmnist", "cifar10-grey", "svhn-grey")
LARGE = ("alexnet-224", "vgg11-224", "resnet18-224")
GLOBAL = chain("large_final")  # the network's weights are ranked as one
LAYERWISE = Arm(Iterative("large_final", "layer"))
RANDOM = Arm(Iterative("random", "layer"))
L1, L2, LARGEST = (units_chain("large_final", norm) for norm in (1.0, 2.0, inf))
SMALLEST = units_chain("large_final", -inf)  # what the text once writes for the largest
RANDOM_UNITS = units_chain("random", 1.0)
UNSTRUCTURED = {"global": GLOBAL, "layerwise": LAYERWISE}
STRUCTURED = {"l1": L1, "l2": L2, "largest": LARGEST}
DECAYING = STRUCTURED | {"smallest": SMALLEST, "random": RANDOM, "random_units": RANDOM_UNITS}
# Thousands of parameters after 1, 2, ... 20 prunings, as Table 1 prints them.
TABLE_1 = {
    LENET: "48 38 30 24 19 15 12 10 8.3 6.7 5.4 4.3 3.5 2.9 2.3 1.9 1.6 1.3 1.1 0.9",
    "alexnet-224": "45637 36512 29211 23371 18698 14960 11970 9578 7664 6133 "
    "4908 3928 3144 2517 2016 1614 1293 1036 831 666",
    "vgg11-224": "103048 82440 65954 52765 42214 33774 27021 21619 17297 13840 "
    "11074 8861 7091 5675 4542 3636 2911 2331 1867 1495",
    "resnet18-224": "8981 7221 5813 4687 3786 3065 2488 2027 1658 1362 1126 937 786 665 568 491 429 379 340 308",
}


def finetuned(arm: Arm) -> Arm:
    """Return the arm that prunes as another one and trains on, without a reset."""
    return Arm(arm.mask, Continue())


def at_end(arm: Arm, round: int) -> Quantity:
    """Return test accuracy after exactly as many epochs as the paper trains (section 4)."""
    return accuracy(arm, round, at="end")


def tickets(tasks: Sequence[str], arm: Arm = GLOBAL) -> list[Arm]:
    """Return the bespoke tickets of several tasks."""
    return [on(task, arm) for task in tasks]


# Section 4 and appendix A: existence, techniques, accuracy against sparsity


@claim(LENET)
def test_several_tickets_exist(question):
    """One network with one start has several trainable sub-networks that differ more than by the data's order."""
    (task,), round = question.tasks, question.rounds[0]
    both, again = (on(task, arm) for arm in (GLOBAL, LAYERWISE)), on(task, in_data_order(1, GLOBAL))
    masks = compared(*both, again)
    return conjunction(
        beside={"by_chance": expected_by_chance(masks, round, (0, 1))},
        **{name: at_end(on(task, arm), round) - at_end(on(task, DENSE), 0) for name, arm in UNSTRUCTURED.items()},
        differ=jaccard(masks, round, (0, 2)) - jaccard(masks, round, (0, 1)),
    )


@claim(LENET)
def test_technique_determines_the_mask(question):
    """Masks of two techniques are further apart than masks of one technique under two orders of the data."""
    (task,), round = question.tasks, question.rounds[0]
    arms = (GLOBAL, LAYERWISE, L2)
    masks = compared(*(on(task, arm) for arm in arms), *(on(task, in_data_order(1, arm)) for arm in arms))
    between = mean(above_chance(masks, round, pair) for pair in combinations(range(len(arms)), 2))
    within = mean(above_chance(masks, round, (place, place + len(arms))) for place in range(len(arms)))
    return conjunction(
        raw=mean(distance(masks, round, pair) for pair in combinations(range(len(arms)), 2))
        - mean(distance(masks, round, (place, place + len(arms))) for place in range(len(arms))),
        above_chance=within - between,
    )


@claim(LENET)
def test_unstructured_magnitude_stays_trainable(question):
    """Global and layer-wise magnitude stay trainable to higher sparsity than structured and random pruning."""
    (task,) = question.tasks
    return conjunction(
        **{
            f"{name}_over_{other}": mean(
                at_end(on(task, arm), round) - at_end(on(task, worse), round) for round in question.rounds
            )
            for name, arm in UNSTRUCTURED.items()
            for other, worse in DECAYING.items()
        }
    )


@claim(LENET)
def test_large_layers_lose_most(question):
    """Global pruning strips large layers, and leaves the first, the smallest, almost as it is."""
    (task,) = question.tasks
    masks = on(task, surveyed(GLOBAL))
    first, largest = 0, 2
    return conjunction(
        correlation=mean(by_size(masks, round) for round in question.rounds),
        first_layer=mean(density(masks, round, first) for round in question.rounds),
        largest_layer=mean(density(masks, round) - density(masks, round, largest) for round in question.rounds),
    )


@claim(LENET)
def test_accuracy_rises_at_first(question):
    """Moderately pruned networks are often more accurate than the whole one, whatever the order of the data."""
    (task,) = question.tasks
    dense = mean(at_end(on(task, arm), 0) for arm in (DENSE, in_data_order(1, DENSE)))
    return effect(mean(at_end(on(task, GLOBAL), round) for round in question.rounds) - dense)


# Section 4.1.1 and appendix D: masks across techniques


@claim(LENET)
def test_distance_to_l2_grows(question):
    """The distance of a technique's mask to that of structured L2 grows with every round, in each linear layer."""
    (task,) = question.tasks
    others = UNSTRUCTURED | {"l1": L1, "largest": LARGEST, "random": RANDOM, "random_units": RANDOM_UNITS}
    masks = compared(*(on(task, arm) for arm in (L2, *others.values())))

    def apart(place: int, layer: str = TOTAL) -> Quantity:
        return in_order(jaccard(masks, round, (0, place), layer) for round in question.rounds)

    return conjunction(
        beside={
            f"{name}_over_chance": in_order(above_chance(masks, round, (0, place)) for round in question.rounds)
            for place, name in enumerate(others, 1)
        },
        **{name: apart(place) for place, name in enumerate(others, 1)},
        **{
            f"{name}_in_each_layer": lowest(apart(place, layer) for layer in LINEAR)
            for place, name in enumerate(others, 1)
        },
    )


@claim(LENET)
def test_all_distances_grow(question):
    """The masks of every two techniques grow apart as networks get sparser, because what they share shrinks."""
    (task,) = question.tasks
    arms = (*UNSTRUCTURED.values(), *STRUCTURED.values(), RANDOM, RANDOM_UNITS)
    masks = compared(*(on(task, arm) for arm in arms))
    pairs = list(combinations(range(len(arms)), 2))
    return conjunction(
        beside={
            "over_chance": in_order(
                mean(above_chance(masks, round, pair) for pair in pairs) for round in question.rounds
            )
        },
        **{
            name: lowest(in_order(measure(masks, round, pair) for round in question.rounds) for pair in pairs)
            for name, measure in (("similarity", jaccard), ("shared", intersection))
        },
    )


@claim(LENET)
def test_l1_is_closest_to_l2(question):
    """Of all techniques structured L1 has the mask most similar to that of structured L2."""
    (task,) = question.tasks
    others = UNSTRUCTURED | {"largest": LARGEST, "smallest": SMALLEST, "random": RANDOM, "random_units": RANDOM_UNITS}
    masks = compared(*(on(task, arm) for arm in (L2, L1, *others.values())))
    return conjunction(
        **{
            f"{name}{how}": mean(of(masks, round, (0, 1)) - of(masks, round, (0, place)) for round in question.rounds)
            for place, name in enumerate(others, 2)
            for how, of in (("", jaccard), ("_over_chance", above_chance))
        }
    )


@claim(LENET)
def test_techniques_diverge_early(question):
    """Masks of structured and unstructured pruning diverge fast at first, and share next to nothing in the end."""
    (task,), (early, *_, last) = question.tasks, question.rounds
    masks = compared(*(on(task, arm) for arm in (*UNSTRUCTURED.values(), *STRUCTURED.values())))
    pairs = [(i, j) for i in range(2) for j in range(2, 5)]

    def apart(round: int) -> Quantity:
        return mean(distance(masks, round, pair) for pair in pairs)

    return conjunction(
        beside={"by_chance": mean(expected_by_chance(masks, last, pair) for pair in pairs)},
        late=apart(last),
        early=apart(early) - 0.5 * apart(last),
    )


@claim(LENET)
def test_alike_accuracy_needs_no_overlap(question):
    """Two techniques' tickets can be as accurate as each other and have little in common."""
    (task,), round = question.tasks, question.rounds[0]
    arms = (on(task, GLOBAL), on(task, L1))
    masks = compared(*arms)
    return conjunction(
        beside={"over_chance": above_chance(masks, round, (0, 1))},
        accuracy=at_end(arms[0], round) - at_end(arms[1], round),
        similarity=jaccard(masks, round, (0, 1)),
    )


def _predicting(arm: Arm, order: int = 0) -> Arm:
    return Arm(From(arm), action=Train(order, predictions=True))


@claim(LENET)
def test_tickets_compute_other_functions(question):
    """Tickets of two techniques agree less about test images than one ticket trained in two orders of the data."""
    (task,), round = question.tasks, question.rounds[0]
    answers = on(task, in_agreement(*map(_predicting, (GLOBAL, LAYERWISE, L2)), _predicting(GLOBAL, order=1)))
    return conjunction(
        beside={"kappa_of_techniques": kappa(answers, round, (0, 1)), "kappa_of_orders": kappa(answers, round, (0, 3))},
        layerwise=agreed(answers, round, (0, 3)) - agreed(answers, round, (0, 1)),
        structured=agreed(answers, round, (0, 3)) - agreed(answers, round, (0, 2)),
    )


@claim(LENET)
def test_tickets_vote_well(question):
    """A vote of the techniques' tickets is more accurate than the best of them."""
    (task,), round = question.tasks, question.rounds[0]
    return effect(vote_gain(on(task, in_agreement(*map(_predicting, (GLOBAL, LAYERWISE, L2)))), round))


# Section 4.1.2: bespoke tickets across tasks


def _foreign(task: str, tasks: Sequence[str], round: int, of: Callable = mean) -> Quantity:
    """Return the mean accuracy on a task of the tickets of all others, or what else `of` makes of them."""
    return of(at_end(on(task, ticket_from(on(source, GLOBAL))), round) for source in tasks if source != task)


def _at_random(task: str, arm: Arm, model: str, round: int) -> Quantity:
    """Return the accuracy on a task under a null model of an arm's mask."""
    return at_end(on(task, null(arm, model)), round)


@claim(LENET)
def test_own_ticket_is_best(question):
    """On its own task a bespoke ticket is more accurate than the other tasks' tickets are on average, and at best."""
    tasks, round = question.tasks, question.rounds[0]
    return conjunction(
        over_mean=mean(at_end(on(task, GLOBAL), round) - _foreign(task, tasks, round) for task in tasks),
        over_best=mean(at_end(on(task, GLOBAL), round) - _foreign(task, tasks, round, highest) for task in tasks),
    )


@claim(LENET)
def test_foreign_tickets_compete(question):
    """Tickets of other tasks are nearly as accurate as a task's own, and better than random sub-networks."""
    tasks, round = question.tasks, question.rounds[0]
    return conjunction(
        gap=mean(_foreign(task, tasks, round) - at_end(on(task, GLOBAL), round) for task in tasks),
        over_random=mean(_foreign(task, tasks, round) - _at_random(task, GLOBAL, UNIFORM, round) for task in tasks),
        over_random_by_layer=mean(
            at_end(on(task, ticket_from(on(source, GLOBAL))), round)
            - _at_random(task, on(source, GLOBAL), BY_LAYER, round)
            for source, task in permutations(tasks, 2)
        ),
    )


@claim(LENET)
def test_masks_of_tasks_differ(question):
    """Masks of different tasks are dissimilar, even of close tasks, and more so than those of one task."""
    tasks, round = question.tasks, question.rounds[0]
    masks = compared(*tickets(tasks), on(tasks[0], in_data_order(1, GLOBAL)))
    pairs, close = list(combinations(range(len(tasks)), 2)), (0, 2)  # MNIST and KMNIST
    return conjunction(
        beside={"over_chance": mean(above_chance(masks, round, pair) for pair in pairs)},
        distance=mean(distance(masks, round, pair) for pair in pairs),
        close_tasks=distance(masks, round, close) - mean(distance(masks, round, p) for p in pairs if p != close),
        beyond_data_order=mean(distance(masks, round, pair) for pair in pairs if 0 in pair)
        - distance(masks, round, (0, len(tasks))),
    )


@claim(LENET)
def test_share_6_to_10_percent_as_similarity(question):
    """Masks of different tasks share 6 to 10% of their weights at 99% sparsity: of those that either keeps."""
    tasks, round = question.tasks, question.rounds[0]
    return _shared(tasks, round, jaccard)


@claim(LENET)
def test_share_6_to_10_percent_as_overlap(question):
    """Masks of different tasks share 6 to 10% of their weights at 99% sparsity: of those that each keeps."""
    tasks, round = question.tasks, question.rounds[0]
    return _shared(tasks, round, overlap)


def _shared(tasks: Sequence[str], round: int, measure):
    masks, pairs = compared(*tickets(tasks)), list(combinations(range(len(tasks)), 2))
    return conjunction(
        beside={"by_chance": mean(expected_by_chance(masks, round, pair) for pair in pairs)},
        share=mean(measure(masks, round, pair) for pair in pairs),
        over_chance=mean(above_chance(masks, round, pair) for pair in pairs),
    )


@claim(LENET)
def test_tasks_share_a_core(question):
    """At high sparsity masks of different tasks share more weights than chance in the same layers would have them."""
    tasks, round = question.tasks, question.rounds[0]
    starts = [null(arm, INITIAL, by_layer) for by_layer in (False, True) for arm in tickets(tasks)]
    masks, count = compared(*tickets(tasks), *starts), len(tasks)
    pairs = list(combinations(range(count), 2))

    def to_start(by_layer: bool) -> Quantity:
        return mean(jaccard(masks, round, (place, place + count * (1 + by_layer))) for place in range(count))

    return conjunction(
        beside={
            "similarity": mean(jaccard(masks, round, pair) for pair in pairs),
            "similarity_to_initial_magnitude": to_start(by_layer=False),
            "similarity_to_initial_magnitude_by_layer": to_start(by_layer=True),
        },
        anywhere=mean(lift(masks, round, pair, by_layer=False) for pair in pairs),
        within_layers=mean(above_chance(masks, round, pair) for pair in pairs),
    )


@claim(LENET)
def test_similar_masks_do_not_explain_transfer(question):
    """How well a ticket does on another task does not follow from how similar the two tasks' masks are."""
    tasks, round = question.tasks, question.rounds[0]
    masks, pairs = compared(*tickets(tasks)), list(permutations(range(len(tasks)), 2))
    similar = [jaccard(masks, round, (min(pair), max(pair))) for pair in pairs]
    transferred = [
        at_end(on(tasks[target], ticket_from(on(tasks[source], GLOBAL))), round)
        - at_end(on(tasks[target], GLOBAL), round)
        for source, target in pairs
    ]
    return effect(correlation(similar, transferred))


# Appendices B and C: finetuning, and what can still reach an output


@claim(LENET)
def test_finetuning_gives_other_masks(question):
    """Finetuning instead of rewinding gives other global masks, and more so where whole units are pruned."""
    (task,) = question.tasks
    arms = [*UNSTRUCTURED.values(), *STRUCTURED.values()]
    masks = compared(*(on(task, of) for arm in arms for of in (arm, finetuned(arm))))
    orders = compared(on(task, GLOBAL), on(task, in_data_order(1, GLOBAL)))

    def apart(places: range, round: int) -> Quantity:
        return mean(distance(masks, round, (2 * place, 2 * place + 1)) for place in places)

    structured = range(len(UNSTRUCTURED), len(arms))
    return conjunction(
        beyond_data_order=mean(
            distance(masks, round, (0, 1)) - distance(orders, round, (0, 1)) for round in question.rounds
        ),
        structured_more=mean(
            apart(structured, round) - apart(range(len(UNSTRUCTURED)), round) for round in question.rounds
        ),
    )


@claim(LENET)
def test_finetuned_units_diverge_logarithmically(question):
    """Where units are pruned, masks of finetuning and rewinding grow apart with the logarithm of the rounds."""
    (task,) = question.tasks
    arms = list(STRUCTURED.values())
    masks = compared(*(on(task, of) for arm in arms for of in (arm, finetuned(arm))))
    apart = [
        mean(distance(masks, round, (2 * place, 2 * place + 1)) for place in range(len(arms)))
        for round in question.rounds
    ]
    return conjunction(
        fit=logarithmic(question.rounds, apart),
        better_than_linear=logarithmic(question.rounds, apart, beyond_linear=True),
    )


@claim(LENET)
def test_units_cut_off_more_than_they_prune(question):
    """Pruning whole units cuts off weights that it does not prune, and more of them than unstructured pruning does."""
    (task,) = question.tasks

    def lost(arm: Arm) -> Quantity:
        return mean(disconnected(on(task, surveyed(arm)), round) for round in question.rounds)

    return conjunction(**{name: lost(arm) - lost(GLOBAL) for name, arm in STRUCTURED.items()})


@claim(LENET)
def test_weights_that_are_cut_off_never_move(question):
    """A weight from which no output can be reached has no gradient, and is after training what it was before."""
    from lottery.experiments import consensus_laws

    return exact(consensus_laws.untouched_when_cut_off, printed=True)


@claim(cases={network: (network,) for network in (LENET, *LARGE)})
def test_table_1_counts_parameters(question, network):
    """What 20 rounds leave of all parameters, biases and normalisation included, is what Table 1 prints."""
    return exact(lambda: [as_printed(count) for count in table_1()[network]], printed=TABLE_1[network].split())


@claim(LENET)
def test_lenet_stays_connected(question):
    """Global pruning leaves next to no weight of Lenet without a path to an output in the first twelve rounds."""
    (task,) = question.tasks
    masks = on(task, surveyed(GLOBAL))
    return effect(highest(disconnected(masks, round) for round in question.rounds))


# Section 4.2 and appendices E to G: consensus tickets


@claim(LENET)
def test_two_rounds_leave_64_percent(question):
    """Two rounds make Lenet's sources 35.9% sparse, biases counted as parameters that stay."""
    from lottery.experiments import consensus_laws

    return exact(consensus_laws.share_left, printed=35.9)


@claim(LENET)
def test_consensus_is_85_percent_sparse(question):
    """What all tasks' tickets of two rounds keep together is a subnetwork of Lenet that is about 85% sparse."""
    return effect(kept_by_all(compared(*tickets(question.tasks)), question.rounds[0]))


@claim(LENET)
def test_consensus_lies_between_chance_and_agreement(question):
    """What all tasks keep is more than masks share that are random in each layer, and less than any one keeps."""
    masks, round = compared(*tickets(question.tasks)), question.rounds[0]
    return conjunction(share=kept_by_all(masks, round), over_chance_within_layers=common_lift(masks, round))


def _own(task: str, tasks: Sequence[str], round: int) -> Arm:
    """Return a task's bespoke ticket with as many weights as the consensus of all tasks."""
    return on(task, cut_to(on(task, GLOBAL), consensus(tickets(tasks)), round * len(tasks)))


def _of_others(task: str, tasks: Sequence[str], round: int) -> list[Arm]:
    return [
        on(task, cut_to(on(source, GLOBAL), consensus(tickets(tasks)), round * len(tasks)))
        for source in tasks
        if source != task
    ]


@claim(LENET)
def test_consensus_matches_bespoke_tickets(question):
    """A consensus ticket trains to an accuracy comparable to that of bespoke tickets of as many weights."""
    tasks, round = question.tasks, question.rounds[0]
    shared = consensus(tickets(tasks))
    return conjunction(
        own=mean(at_end(on(task, shared), round) - at_end(_own(task, tasks, round), round) for task in tasks),
        foreign=mean(
            (at_end(on(task, shared), round) - mean(at_end(arm, round) for arm in _of_others(task, tasks, round)))
            for task in tasks
        ),
    )


@claim(LENET)
def test_consensus_lies_between_foreign_and_own(question):
    """A consensus ticket is better than other tasks' bespoke tickets of as many weights, and worse than the own."""
    tasks, round = question.tasks, question.rounds[0]
    shared = consensus(tickets(tasks))
    return conjunction(
        over_foreign=mean(
            (at_end(on(task, shared), round) - mean(at_end(arm, round) for arm in _of_others(task, tasks, round)))
            for task in tasks
        ),
        below_own=mean(at_end(_own(task, tasks, round), round) - at_end(on(task, shared), round) for task in tasks),
    )


@claim(LENET)
def test_consensus_beats_random(question):
    """A consensus ticket is more accurate than a random sub-network of as many weights, in all or in each layer."""
    tasks, round = question.tasks, question.rounds[0]
    shared, models = consensus(tickets(tasks)), {"anywhere": UNIFORM, "by_layer": BY_LAYER}
    return conjunction(
        **{
            name: mean(at_end(on(task, shared), round) - _at_random(task, shared, model, round) for task in tasks)
            for name, model in models.items()
        },
        **{
            f"control_{name}_learns": lowest(above_constant(on(task, null(shared, model)), round) for task in tasks)
            for name, model in models.items()
        },
    )


@claim(LENET)
def test_consensus_saves_rounds_in_sequence(question):
    """A consensus takes 2 rounds of training after each other where an ordinary ticket takes 9: 7 are saved."""
    from lottery.experiments import consensus_laws

    return exact(lambda: consensus_laws.rounds_of_training(SOURCES, 2)["in sequence"], printed=[2, 9])


@claim(LENET)
def test_consensus_saves_no_computation(question):
    """In all, a consensus of five tasks takes 10 rounds of training, an ordinary ticket 9."""
    from lottery.experiments import consensus_laws

    return exact(lambda: consensus_laws.rounds_of_training(SOURCES, 2)["in all"], printed=[10, 9])


@claim(LENET)
def test_consensus_keeps_smaller_weights(question):
    """Initial weights of a consensus ticket deviate less than a bespoke ticket's, and more than the whole layer's."""
    (tasks, round), layers = (question.tasks, question.rounds[0]), {"largest": 2, "second": 3}
    shared, rounds = surveyed(consensus(tickets(tasks))), range(1, round * len(tasks) + 1)
    in_all = [_own(task, tasks, round) for task in tasks]

    def of_consensus(layer: int) -> Quantity:
        return surveyed_in(shared, round, layer, "deviation")

    def in_layer(layer: int) -> Quantity:
        chains = [on(task, surveyed(GLOBAL)) for task in tasks]
        return mean(surveyed_at(chain, rounds, layer, "deviation", shared, round) for chain in chains)

    return conjunction(
        beside={
            f"{name}_below_as_many_in_all": mean(
                surveyed_in(on(arm.dataset, surveyed(arm)), round, layer, "deviation") for arm in in_all
            )
            - of_consensus(layer)
            for name, layer in layers.items()
        },
        **{f"{name}_over_layer": above(of_consensus(layer), 1) for name, layer in layers.items()},
        **{f"{name}_below_bespoke": in_layer(layer) - of_consensus(layer) for name, layer in layers.items()},
    )


@claim(LENET)
def test_initial_values_have_two_peaks(question):
    """Initial values that tickets keep lie symmetrically in two peaks: few of them are near zero."""
    tasks, round = question.tasks, question.rounds[0]
    kinds = {
        "consensus": surveyed(consensus(tickets(tasks))),
        "bespoke": on(tasks[0], surveyed(_own(tasks[0], tasks, round))),
    }
    return conjunction(
        **{
            f"{name}_{what}": surveyed_in(arm, round, 2, what)
            for name, arm in kinds.items()
            for what in ("valley", "mean", "kurtosis")
        }
    )


@claim(LENET)
def test_global_masks_have_most_in_common(question):
    """Of all techniques but random ones, global pruning keeps the most weights in common to all tasks."""
    tasks, round = question.tasks, question.rounds[0]

    def common(arm: Arm) -> Quantity:
        return common_lift(compared(*tickets(tasks, arm)), round)

    def counted(arm: Arm) -> Quantity:
        return kept_by_all(compared(*tickets(tasks, arm)), round)

    others = {"layerwise": LAYERWISE} | STRUCTURED
    return conjunction(
        beside={f"{name}_over_chance": common(GLOBAL) - common(arm) for name, arm in others.items()},
        **{name: counted(GLOBAL) - counted(arm) for name, arm in others.items()},
    )


@claim(LENET)
def test_random_pruning_is_the_same_for_all_tasks(question):
    """With one seed random pruning removes the same weights whatever the task: none is kept by some tasks alone."""
    from lottery.experiments import consensus_laws

    return exact(consensus_laws.same_random_masks, printed=True)


@claim(LENET)
def test_consensus_strips_large_layers(question):
    """The share of a layer that a consensus ticket keeps falls with the layer's size."""
    masks = surveyed(consensus(tickets(question.tasks)))
    return effect(by_size(masks, question.rounds[0]))


@claim(LENET)
def test_largest_layer_stays_largest(question):
    """The layer that was largest has the most weights in a consensus ticket, too."""
    masks = surveyed(consensus(tickets(question.tasks)))
    return proportion(largest_stays_largest(masks, question.rounds[0]))


@claim(LENET)
def test_untrained_tickets_are_no_better_than_random(question):
    """Before training a ticket of Lenet is no more accurate than a random sub-network."""
    tasks, round = question.tasks, question.rounds[0]
    shared = consensus(tickets(tasks))

    def at_start(arm: Arm) -> Quantity:
        return accuracy(arm, round, at="start")

    return conjunction(
        consensus=mean(at_start(on(task, shared)) - at_start(on(task, null(shared, UNIFORM))) for task in tasks),
        bespoke=mean(at_start(_own(task, tasks, round)) - at_start(on(task, null(shared, UNIFORM))) for task in tasks),
    )


@claim(LENET)
def test_consensus_serves_a_task_it_has_not_seen(question):
    """On EMNIST, which no source is, a consensus ticket is as accurate as EMNIST's own of as many weights."""
    (*tasks, unseen), round = question.tasks, question.rounds[0]
    shared = consensus(tickets(tasks))
    own = on(unseen, cut_to(on(unseen, GLOBAL), shared, round * len(tasks)))
    return effect(at_end(on(unseen, shared), round) - at_end(own, round))


@claim(LENET)
def test_consensus_can_be_relaxed(question):
    """Later rounds make a consensus sparser than they make each of its masks, a vote of fewer tasks makes it denser."""
    tasks, (early, late) = question.tasks, question.rounds
    masks = compared(*tickets(tasks))
    return conjunction(
        later=ratio(kept_by_all(masks, early), kept_by_all(masks, late)),
        fewer=kept_by(masks, early, len(tasks) - 1) - kept_by_all(masks, early),
    )


@claim(LENET)
def test_magnitude_is_noisy(question):
    """What the first round prunes in one order of the data another one would keep in part, though less than chance."""
    (task,) = question.tasks
    masks = compared(on(task, GLOBAL), on(task, in_data_order(1, GLOBAL)))

    def kept_by_the_other(counts: Sequence[int]) -> float:
        both, first, second, size = counts
        return (second - both) / (size - first)

    return effect(of_pair(masks, 1, (0, 1), "share of what one prunes that the other keeps", kept_by_the_other))


@claim(LENET)
def test_networks_are_not_done_learning(question):
    """After as many epochs as the paper trains, the validation loss of the whole network is still falling."""
    return proportion(above(unfinished(on(question.tasks[0], DENSE), 0), 0.5))
