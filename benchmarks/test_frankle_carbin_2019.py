"""Frankle & Carbin 2019: The Lottery Ticket Hypothesis (arXiv 1803.03635)."""

from lottery.claims.claim import claim, conjunction, effect, exact, proportion
from lottery.claims.image_quantities import (
    accuracy,
    anatomy,
    delay,
    early_stop,
    gap,
    iterations_to,
    learning_curve,
    overfitting,
)
from lottery.claims.quantities import agreement, lowest, mean, slope
from lottery.experiments.arms import DENSE, branch, chain, dissected, one_shot, reset_at_the_end
from lottery.experiments.scales import SGD
from lottery.models.architectures import CONVOLUTION, SHORTCUT, network

LENET = "lenet-300-100"
TICKET, REINIT = chain("large_final"), branch("large_final", "reinit")
RANDOM_SPARSE = chain("random")  # a random mask knows nothing of the weights: as good as a new draw


# Abstract and introduction


@claim(LENET)
def test_small_tickets_exist(question):
    """Tickets of 10 to 20% of the weights match the dense network's accuracy in at most its number of iterations."""
    return conjunction(accuracy=gap(TICKET, DENSE, question.rounds), early_stop=delay(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_larger_tickets_learn_faster_and_better(question):
    """Tickets larger than that learn faster than the dense network and become more accurate."""
    return conjunction(accuracy=gap(TICKET, DENSE, question.rounds), early_stop=delay(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_random_sparse_networks_learn_slower(question):
    """The sparser a random network, the later and less accurate its early stop; tickets are better in both."""
    sparsest = question.rounds[-1:]
    return conjunction(
        accuracy_falls=slope(accuracy(RANDOM_SPARSE, n) for n in question.rounds),
        early_stop_rises=slope(early_stop(RANDOM_SPARSE, n) for n in question.rounds),
        ticket_is_more_accurate=gap(TICKET, RANDOM_SPARSE, sparsest),
        ticket_is_faster=delay(RANDOM_SPARSE, TICKET, sparsest),
    )


@claim(LENET)
def test_most_tickets_beat_their_reinit(question):
    """Structure alone does not explain a ticket: each is more accurate than its own random reinitialisation."""
    return proportion(mean(accuracy(TICKET, n) - accuracy(REINIT, n) for n in question.rounds))


# Section 2: iterative pruning


@claim(LENET)
def test_tickets_stop_earlier(question):
    """Down to about 21% of the weights, tickets reach their minimum validation loss before the dense network does."""
    return effect(mean(early_stop(TICKET, n) - early_stop(DENSE, 0) for n in question.rounds))


@claim(LENET)
def test_early_stop_38_percent_earlier(question):
    """With 21% of the weights the minimum validation loss comes 38% earlier."""
    return effect(mean(early_stop(TICKET, n) - early_stop(DENSE, 0) for n in question.rounds))


@claim(LENET)
def test_learning_curves_in_order(question):
    """While they learn, the ticket of 21% of the weights leads that of 51%, and that leads the dense network."""
    larger, smaller = question.rounds

    def lead(arm, n, other, m):
        return mean(learning_curve(arm, n, at) - learning_curve(other, m, at) for at in question.iterations)

    return conjunction(
        smaller_over_larger=lead(TICKET, smaller, TICKET, larger), larger_over_dense=lead(TICKET, larger, DENSE, 0)
    )


@claim(LENET)
def test_early_stop_returns_at_3_6(question):
    """Below 21% of the weights tickets slow down; at 3.6% they stop as early as the dense network."""
    fastest, smallest = question.rounds
    return conjunction(
        slows=early_stop(TICKET, smallest) - early_stop(TICKET, fastest), returns=delay(TICKET, DENSE, [smallest])
    )


@claim(LENET)
def test_accuracy_rises_at_13_5(question):
    """With 13.5% of the weights the ticket is more than 0.3 points more accurate than the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_accuracy_returns_at_3_6(question):
    """With 3.6% of the weights the ticket is as accurate as the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_training_accuracy_rises(question):
    """Training accuracy at early stop, too, rises with pruning."""
    return effect(gap(TICKET, DENSE, question.rounds, part="train"))


@claim(LENET)
def test_training_accuracy_stays_full(question):
    """At the end every ticket of at least 2% of the weights fits the training images."""
    return effect(lowest(accuracy(TICKET, n, "end", "train") for n in question.rounds))


@claim(LENET)
def test_final_accuracy_rises(question):
    """At the end tickets are up to 0.35 points better than the dense network. A mean: a maximum rises by chance."""
    return effect(gap(TICKET, DENSE, question.rounds, "end"))


@claim(LENET)
def test_generalisation_gap_shrinks(question):
    """At the end test accuracy lies closer to training accuracy in tickets than in the dense network."""
    return effect(gap(DENSE, TICKET, question.rounds, "end", "train") - gap(DENSE, TICKET, question.rounds, "end"))


@claim(LENET)
def test_reinit_falls_earlier(question):
    """Reinitialised, the network of 21% of the weights is below the dense one, which the ticket of 3.6% is not."""
    larger, smaller = question.rounds
    return conjunction(reinit_at_21=gap(REINIT, DENSE, [larger]), ticket_at_3_6=gap(TICKET, DENSE, [smaller]))


@claim(LENET)
def test_reinit_slows_with_pruning(question):
    """The fewer weights, the later a reinitialised network stops."""
    return effect(slope(early_stop(REINIT, n) for n in question.rounds))


@claim(LENET)
def test_ticket_is_more_accurate_than_reinit(question):
    """At early stop the ticket of 21% of the weights is half a point more accurate than its reinitialisation."""
    return effect(mean(accuracy(TICKET, n) - accuracy(REINIT, n) for n in question.rounds))


@claim(LENET)
def test_ticket_is_faster_than_reinit(question):
    """The ticket of 21% of the weights stops early 2.51 times as fast as its random reinitialisation."""
    return effect(mean(early_stop(REINIT, n) - early_stop(TICKET, n) for n in question.rounds))


@claim(LENET)
def test_every_network_fits_the_training_images(question):
    """Down to 5% of the weights tickets and reinitialised networks alike reach 100% training accuracy."""
    return effect(lowest(accuracy(arm, n, "end", "train") for arm in (TICKET, REINIT) for n in question.rounds))


@claim(LENET)
def test_one_shot_tickets(question):
    """Pruned at once, networks of 18 to 67% of the weights stop earlier than the dense one and are more accurate."""
    ticket = one_shot("large_final")
    return conjunction(accuracy=gap(ticket, DENSE, question.rounds), early_stop=delay(ticket, DENSE, question.rounds))


@claim(LENET)
def test_iterative_beats_one_shot(question):
    """At small sizes iteratively pruned tickets learn faster and become more accurate than those pruned at once."""
    at_once = one_shot("large_final")
    return conjunction(
        accuracy=gap(TICKET, at_once, question.rounds), early_stop=delay(at_once, TICKET, question.rounds)
    )


# Appendices B to D


@claim(LENET)
def test_validation_loss_is_u_shaped(question):
    """The validation loss falls, has a clear bottom, and rises again, with all weights and with few."""
    return effect(lowest([overfitting(DENSE, 0), *(overfitting(TICKET, n) for n in question.rounds)]))


@claim(LENET)
def test_early_stop_measures_speed(question):
    """Networks come to their early stop in the order in which they reach a given accuracy."""
    networks = [(DENSE, 0), *((TICKET, n) for n in question.rounds)]
    return effect(
        agreement([early_stop(*one) for one in networks], [iterations_to(*one, question.level) for one in networks])
    )


@claim(LENET)
def test_tickets_fit_at_smaller_sizes(question):
    """Where reinitialised networks no longer fit the training images, tickets of the same size fit them better."""
    return effect(gap(TICKET, REINIT, question.rounds, "end", "train"))


@claim(LENET)
def test_reset_beats_continuing(question):
    """At small sizes, tickets reset in each round are more accurate and faster than those reset at the end alone."""
    once = reset_at_the_end("large_final")
    return conjunction(accuracy=gap(TICKET, once, question.rounds), early_stop=delay(once, TICKET, question.rounds))


# Appendices E and F: what a ticket is


@claim(LENET)
def test_reinit_beats_random_sparse(question):
    """A ticket's structure with new weights is better at the end than a random structure of the same size."""
    return effect(gap(REINIT, RANDOM_SPARSE, question.rounds, "end"))


def kept(training, rounds, layer, name):
    """A measurement of the tickets' masks in one layer, as the mean over rounds."""
    return mean(anatomy(dissected("large_final", training), n, layer, name) for n in rounds)


@claim(cases={f"{LENET}-adam": ("",), f"{LENET}-sgd": (SGD,)})
def test_initial_values_of_tickets(question, training):
    """Tickets' initial values leave a valley at zero in the second layer and the output, under SGD in the first too."""
    layers = {"first_layer": 0, "second_layer": 1, "output_layer": -1}
    return conjunction(**{name: kept(training, question.rounds, layer, "near_zero") for name, layer in layers.items()})


@claim(cases={f"{LENET}-adam": ("",), f"{LENET}-sgd": (SGD,)})
def test_signs_of_tickets(question, training):
    """Tickets keep more positive than negative initial values in some layers, and fewer in others."""
    layers = {"second_layer": 1, "output_layer": -1} | ({"first_layer": 0} if training else {})
    return conjunction(**{name: kept(training, question.rounds, layer, "positive") for name, layer in layers.items()})


@claim(LENET)
def test_resampling_is_little_better_than_reinit(question):
    """Values drawn anew from a ticket's own do little better than the initialisation's, and worse than the ticket."""
    resampled = branch("large_final", "resample")
    return conjunction(
        over_reinit=gap(resampled, REINIT, question.rounds),
        ticket_over_resampled=gap(TICKET, resampled, question.rounds),
    )


@claim(LENET)
def test_pruning_before_training_is_worse(question):
    """Pruned by magnitude at iteration 0, networks are worse than reinitialised tickets of the same size."""
    return effect(gap(REINIT, chain("large_init"), question.rounds))


@claim(LENET)
def test_ticket_weights_move_more(question):
    """In the dense network's training the weights of tickets move farther than the others, in every layer."""
    layers = {"first_layer": 0, "second_layer": 1, "output_layer": -1}
    return conjunction(**{name: kept("", question.rounds, layer, "movement") for name, layer in layers.items()})


@claim(LENET)
def test_ticket_weights_grow(question):
    """In dense training the weights of tickets grow in magnitude more often than the others, in every layer."""
    layers = {"first_layer": 0, "second_layer": 1, "output_layer": -1}

    def more(layer):
        return kept("", question.rounds, layer, "grown_kept") - kept("", question.rounds, layer, "grown_pruned")

    return conjunction(**{name: more(layer) for name, layer in layers.items()})


@claim(LENET)
def test_inputs_are_connected_unevenly(question):
    """In the first layer a ticket's connections are spread far more unevenly over the inputs than over the units."""
    return effect(kept("", question.rounds, 0, "outgoing") - kept("", question.rounds, 0, "incoming"))


@claim(LENET)
def test_adam_connects_inputs_more_unevenly(question):
    """Connections are spread more unevenly over the inputs after training with Adam than with SGD."""
    return effect(kept("", question.rounds, 0, "outgoing") - kept(SGD, question.rounds, 0, "outgoing"))


@claim(LENET)
def test_noise_on_initial_values(question):
    """Noise on a ticket's initial values costs accuracy: half a deviation hardly any; three still beat a new draw."""
    noisy = [branch("large_final", f"noise_{size}") for size in ("half", "one", "two", "three")]
    levels = [mean(accuracy(arm, n) for n in question.rounds) for arm in (TICKET, *noisy)]
    return conjunction(
        half_a_deviation=gap(noisy[0], TICKET, question.rounds),
        more_is_worse=slope(levels),
        three_deviations_over_reinit=gap(noisy[3], REINIT, question.rounds),
    )


# Structure: nothing to measure


def as_printed(value, printed):
    """Return `printed` if the value rounds or cuts off to it (the paper does both), else the value."""
    digits = len(printed.partition(".")[2])
    cut = int(value * 10**digits) / 10**digits
    return printed if printed in (f"{value:.{digits}f}", f"{cut:.{digits}f}") else f"{value:.2f}"


@claim(
    cases={
        "lenet-300-100": ("lenet-300-100", 1e3, "266", None),
        "conv-2": ("conv-2", 1e6, "4.3", "0.038"),
        "conv-4": ("conv-4", 1e6, "2.4", "0.260"),
        "conv-6": ("conv-6", 1e6, "1.7", "1.1"),
        "resnet-18": ("resnet-18", 1e3, "271", "270"),
        "vgg-19": ("vgg-19", 1e6, "20.0", None),
    }
)
def test_weight_counts(question, name, unit, printed_all, printed_convolutions):
    """The described networks have as many weights as the paper prints, in all and in convolutions."""
    one = network(name)
    counts = {
        "all": (one.weights, printed_all),
        "convolutions": (one.weights_of(CONVOLUTION, SHORTCUT), printed_convolutions),
    }
    printed = {part: text for part, (_, text) in counts.items() if text}
    return exact(lambda: {part: as_printed(counts[part][0] / unit, text) for part, text in printed.items()}, printed)


@claim(
    cases={
        "lenet-300-100": (
            "lenet-300-100",
            {3: "51.3", 7: "21.1", 9: "13.5", 12: "7.0", 15: "3.6", 16: "2.9", 18: "1.9"},
        ),
        "conv-2": ("conv-2", {6: "26.5", 11: "8.8", 14: "4.6", 16: "3"}),
        "conv-4": ("conv-4", {11: "11.1", 12: "9.2", 13: "7.6", 15: "5.4"}),
        "conv-6": ("conv-6", {7: "26.4", 10: "15.1", 12: "10.5"}),
        "resnet-18": ("resnet-18", {4: "41.7", 6: "27.1", 7: "21.9", 10: "11.8"}),
        "vgg-19": ("vgg-19", {12: "6.9", 15: "3.5", 19: "1.5"}),
    }
)
def test_pruning_ladder(question, name, printed):
    """The described rates per round leave the shares of weights that the paper prints."""
    return exact(
        lambda: {round: as_printed(network(name).weights_remaining(round), text) for round, text in printed.items()},
        printed,
    )


@claim(
    cases={
        f"{LENET}-magnitude_rule": ("survivors_are_largest",),
        f"{LENET}-nested": ("masks_are_nested",),
        f"{LENET}-reset": ("survivors_are_reset",),
        f"{LENET}-zero": ("pruned_stay_zero",),
        f"{LENET}-reinit": ("redrawn_alike",),
    }
)
def test_law(question, law):
    """The algorithm as described, against one small cycle of train, prune, reset and train on the paper's network."""
    from lottery.experiments import laws

    return exact(lambda: laws.everywhere(LENET, getattr(laws, law)), True)


@claim("vgg-19")
def test_epochs_and_iterations(question):
    """160 epochs of 45,000 images in batches of 64 are 112,480 iterations."""
    return exact(lambda: 160 * (45_000 // 64), 112_480)
