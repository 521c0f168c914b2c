"""Frankle & Carbin 2019: The Lottery Ticket Hypothesis (arXiv 1803.03635)."""

from dataclasses import replace
from fractions import Fraction

from lottery.claims.claim import claim, conjunction, effect, exact, proportion
from lottery.claims.image_quantities import (
    accuracy,
    anatomy,
    best_by_validation,
    delay,
    early_stop,
    gap,
    iterations_to,
    learning,
    learning_curve,
    overfitting,
    unfinished,
)
from lottery.claims.quantities import above, agreement, highest, lowest, mean, slope
from lottery.experiments.arms import DENSE
from lottery.experiments.named_arms import (
    branch,
    chain,
    continued,
    counted,
    dissected,
    of_network,
    one_shot,
    reset_at_the_end,
    under,
)
from lottery.experiments.scales import ADAM, MOMENTUM, PLAIN, SGD
from lottery.models.architectures import network
from lottery.models.layers import CONVOLUTION, HIDDEN, OUTPUT, SHORTCUT

LENET = "lenet-300-100"
CONVOLUTIONAL = ("conv-2", "conv-4", "conv-6")
# The paper does not say how pixels go into Conv-2, and reruns make it look as if that decided what a ticket gains.
INPUTS = ("conv-2", "conv-2-standard", "conv-2-per-image", "conv-4", "conv-6")
TICKET, REINIT = chain("large_final"), branch("large_final", "reinit")
ONE_SHOT = one_shot("large_final")
RANDOM_SPARSE = chain("random")  # a random mask knows nothing of the weights: as good as a new draw


# Abstract and introduction


@claim(LENET)
def test_small_tickets_exist(question):
    """Tickets of 10 to 20% of the weights match the dense network's accuracy in at most its number of iterations."""
    return conjunction(
        accuracy=gap(TICKET, DENSE, question.rounds),
        early_stop=delay(TICKET, DENSE, question.rounds),
        control_falls=gap(REINIT, DENSE, question.rounds[-1:]),
    )


@claim(LENET)
def test_best_small_ticket_matches(question):
    """The best of the tickets of 10 to 20% of the weights, chosen by validation images, is no worse and no slower."""
    return conjunction(
        accuracy=best_by_validation(TICKET, question.rounds, accuracy) - accuracy(DENSE, 0),
        early_stop=best_by_validation(TICKET, question.rounds, early_stop) - early_stop(DENSE, 0),
        control_falls=gap(REINIT, DENSE, question.rounds[-1:]),
    )


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


@claim(LENET, *INPUTS)
def test_tickets_stop_earlier(question):
    """Tickets reach their minimum validation loss before the dense network."""
    return effect(mean(early_stop(TICKET, n) - early_stop(DENSE, 0) for n in question.rounds))


@claim(LENET)
def test_early_stop_falls_down_to_21(question):
    """From 100% down to 21% of the weights, the fewer there are, the earlier the minimum validation loss comes."""
    return effect(slope(early_stop(TICKET, n) for n in question.rounds))


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
        slows=early_stop(TICKET, smallest) - early_stop(TICKET, fastest),
        returns=delay(TICKET, DENSE, [smallest]),
        control_reinit_is_later=delay(REINIT, DENSE, [smallest]),
    )


@claim(LENET)
def test_accuracy_rises_at_13_5(question):
    """With 13.5% of the weights the ticket is more accurate than the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_accuracy_rises_by_0_3_at_13_5(question):
    """With 13.5% of the weights the ticket is more than 0.3 points more accurate than the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(LENET)
def test_accuracy_returns_at_3_6(question):
    """With 3.6% of the weights the ticket is as accurate as the dense network, and its reinitialisation is not."""
    return conjunction(returns=gap(TICKET, DENSE, question.rounds), control_falls=gap(REINIT, DENSE, question.rounds))


@claim(LENET, *CONVOLUTIONAL)
def test_training_accuracy_rises(question):
    """Training accuracy at early stop, too, rises with pruning."""
    return effect(gap(TICKET, DENSE, question.rounds, part="train"))


@claim(LENET, *CONVOLUTIONAL)
def test_training_accuracy_stays_full(question):
    """At the end every ticket of at least 2% of the weights fits the training images."""
    return effect(lowest(accuracy(TICKET, n, "end", "train") for n in question.rounds))


@claim(LENET, *CONVOLUTIONAL)
def test_final_accuracy_rises(question):
    """At the end tickets are more accurate than the dense network, in the mean over sizes."""
    return effect(gap(TICKET, DENSE, question.rounds, "end"))


@claim(LENET)
def test_best_final_accuracy_rises_by_0_35(question):
    """At the end the best ticket, by validation images, is up to 0.35 points more accurate than the dense network."""

    def at_the_end(arm, n):
        return accuracy(arm, n, "end")

    return effect(best_by_validation(TICKET, question.rounds, at_the_end, "end") - accuracy(DENSE, 0, "end"))


@claim(LENET, *CONVOLUTIONAL)
def test_generalisation_gap_shrinks(question):
    """At the end test accuracy lies closer to training accuracy in tickets than in the dense network."""
    return effect(gap(DENSE, TICKET, question.rounds, "end", "train") - gap(DENSE, TICKET, question.rounds, "end"))


@claim(LENET)
def test_reinit_falls_earlier(question):
    """Reinitialised, networks fall below the dense one at 21% of the weights and not before, tickets at 2.9%."""
    before_21, at_21, before_2_9, at_2_9 = question.rounds
    return conjunction(
        reinit_before_21=gap(REINIT, DENSE, [before_21]),
        reinit_at_21=gap(REINIT, DENSE, [at_21]),
        ticket_before_2_9=gap(TICKET, DENSE, [before_2_9]),
        ticket_at_2_9=gap(TICKET, DENSE, [at_2_9]),
    )


@claim(LENET, *CONVOLUTIONAL)
def test_reinit_slows_with_pruning(question):
    """The fewer weights, the later a reinitialised network stops."""
    return effect(slope(early_stop(REINIT, n) for n in question.rounds))


@claim(LENET, *CONVOLUTIONAL)
def test_ticket_is_more_accurate_than_reinit(question):
    """At early stop the ticket is more accurate than its random reinitialisation."""
    return effect(mean(accuracy(TICKET, n) - accuracy(REINIT, n) for n in question.rounds))


@claim(LENET)
def test_ticket_is_half_a_point_over_reinit(question):
    """At early stop the ticket of 21% of the weights is half a point more accurate than its reinitialisation."""
    return effect(gap(TICKET, REINIT, question.rounds))


@claim(LENET)
def test_ticket_is_faster_than_reinit(question):
    """The ticket stops early before its random reinitialisation."""
    return effect(mean(early_stop(REINIT, n) - early_stop(TICKET, n) for n in question.rounds))


@claim(LENET)
def test_ticket_is_2_51_times_as_fast_as_reinit(question):
    """The ticket of 21% of the weights stops early 2.51 times as fast as its random reinitialisation."""
    return effect(delay(REINIT, TICKET, question.rounds))


@claim(LENET)
def test_every_network_fits_the_training_images(question):
    """Down to 5% of the weights tickets and reinitialised networks alike reach 100% training accuracy."""
    return effect(lowest(accuracy(arm, n, "end", "train") for arm in (TICKET, REINIT) for n in question.rounds))


@claim(LENET)
def test_one_shot_tickets(question):
    """Pruned at once, networks of 21 to 51% of the weights stop earlier than the dense one and are more accurate."""
    return conjunction(
        accuracy=gap(ONE_SHOT, DENSE, question.rounds), early_stop=delay(ONE_SHOT, DENSE, question.rounds)
    )


@claim(LENET)
def test_one_shot_tickets_have_ends(question):
    """Pruned at once, networks are earlier from 64 to 21% of the weights and better from 80 to 5.6%, not beyond."""
    largest, earliest, latest, too_late, smallest, too_small = question.rounds
    return conjunction(
        not_faster_at_80=delay(ONE_SHOT, DENSE, [largest]),
        faster_at_64=delay(ONE_SHOT, DENSE, [earliest]),
        faster_at_21=delay(ONE_SHOT, DENSE, [latest]),
        not_faster_at_16_9=delay(ONE_SHOT, DENSE, [too_late]),
        better_at_80=gap(ONE_SHOT, DENSE, [largest]),
        better_at_5_6=gap(ONE_SHOT, DENSE, [smallest]),
        not_better_at_4_5=gap(ONE_SHOT, DENSE, [too_small]),
    )


@claim(LENET)
def test_iterative_beats_one_shot(question):
    """At small sizes iteratively pruned tickets learn faster and become more accurate than those pruned at once."""
    return conjunction(
        accuracy=gap(TICKET, ONE_SHOT, question.rounds), early_stop=delay(ONE_SHOT, TICKET, question.rounds)
    )


# Section 3: convolutional networks


@claim(*INPUTS)
def test_tickets_are_several_times_as_fast(question):
    """At the printed size the minimum validation loss comes 3.5 or 2.5 times as early as in the dense network."""
    return effect(delay(DENSE, TICKET, question.rounds))


@claim(*INPUTS)
def test_tickets_become_more_accurate(question):
    """Tickets are more accurate at early stop than the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(*INPUTS)
def test_tickets_gain_over_three_points(question):
    """At the printed size the ticket is 3.3 to 3.5 points more accurate at early stop than the dense network."""
    return effect(gap(TICKET, DENSE, question.rounds))


@claim(*CONVOLUTIONAL)
def test_tickets_stay_above_dense(question):
    """Down to 2% of the weights every ticket is more accurate at early stop than the dense network."""
    return conjunction(**{f"after_{n}_rounds": gap(TICKET, DENSE, [n]) for n in question.rounds})


@claim("conv-2", "conv-4")
def test_reinit_keeps_up_at_first(question):
    """At moderate sizes a reinitialised network is no worse than the dense one; a random one of few weights is."""
    *moderate, small = question.rounds
    return conjunction(
        level_or_better=gap(REINIT, DENSE, moderate), control_random_falls=gap(RANDOM_SPARSE, DENSE, [small])
    )


# Appendix B: resetting or training on


@claim(LENET)
def test_reset_beats_continuing(question):
    """At small sizes, resetting the weights in each round leaves more accurate and faster networks than training on."""
    on = continued("large_final")
    return conjunction(accuracy=gap(TICKET, on, question.rounds), early_stop=delay(on, TICKET, question.rounds))


@claim(LENET)
def test_reset_in_each_round_beats_reset_at_the_end(question):
    """At small sizes, tickets reset in each round are more accurate and faster than those reset at the end alone."""
    once = reset_at_the_end("large_final")
    return conjunction(accuracy=gap(TICKET, once, question.rounds), early_stop=delay(once, TICKET, question.rounds))


# Appendices C and D: learning curves


@claim(LENET)
def test_validation_loss_is_u_shaped(question):
    """The validation loss falls, has a clear bottom, and rises again, with all weights and with few."""
    networks = [(DENSE, 0), *((TICKET, n) for n in question.rounds)]
    return conjunction(
        falls=lowest(learning(*one) for one in networks), rises=lowest(overfitting(*one) for one in networks)
    )


@claim(LENET)
def test_early_stop_measures_speed(question):
    """Networks come to their early stop in the order in which they reach a given accuracy."""
    networks = [(DENSE, 0), *((TICKET, n) for n in question.rounds)]
    return effect(
        agreement([early_stop(*one) for one in networks], [iterations_to(*one, question.level) for one in networks])
    )


@claim(LENET)
def test_tickets_fit_at_smaller_sizes(question):
    """At a size at which tickets still fit the training images, reinitialised networks no longer do."""

    def fit(arm):
        return mean(accuracy(arm, n, "end", "train") for n in question.rounds)

    return conjunction(ticket_fits=fit(TICKET), reinit_does_not=fit(REINIT))


# Appendix E: structure alone


@claim(LENET)
def test_reinit_beats_random_sparse(question):
    """A ticket's structure with new weights is better at the end than a random structure of the same size."""
    return effect(gap(REINIT, RANDOM_SPARSE, question.rounds, "end"))


# Appendix F: what a ticket is

LAYERS = {"first_layer": 0, "second_layer": 1, "output_layer": -1}


def kept(training, rounds, layer, name):
    """A measurement of the tickets' masks in one layer, as the mean over rounds."""
    return mean(anatomy(dissected("large_final", training), n, layer, name) for n in rounds)


@claim(cases={f"{LENET}-adam": ("",), f"{LENET}-sgd": (SGD,)})
def test_initial_values_of_tickets(question, training):
    """Tickets' initial values leave a valley at zero in the second layer and the output, under SGD in the first too."""
    return conjunction(**{name: kept(training, question.rounds, layer, "near_zero") for name, layer in LAYERS.items()})


@claim(LENET)
def test_shapes_are_the_same_in_every_trial(question):
    """In every single trial tickets' initial values leave a valley at zero in the second layer and the output."""
    density = highest(kept("", question.rounds, layer, "near_zero") for layer in (1, -1))
    return proportion(above(-1 * density, -0.5))


@claim(cases={f"{LENET}-adam": ("",), f"{LENET}-sgd": (SGD,)})
def test_signs_of_tickets(question, training):
    """Tickets keep more positive than negative initial values in some layers, and fewer in others."""
    layers = {"second_layer": 1, "output_layer": -1} | ({"first_layer": 0} if training else {})
    return conjunction(**{name: kept(training, question.rounds, layer, "positive") for name, layer in layers.items()})


@claim(cases={LENET: ("",), f"{LENET}-sgd": (SGD,)})
def test_resampling_is_little_better_than_reinit(question, training):
    """Values drawn anew from a ticket's own do little better than the initialisation's, and worse than the ticket."""
    arms = (TICKET, branch("large_final", "resample"), REINIT)
    ticket, resampled, reinit = (under(training, arm) for arm in arms)
    return conjunction(
        over_reinit=gap(resampled, reinit, question.rounds),
        ticket_over_resampled=gap(ticket, resampled, question.rounds),
        control_is_outside=gap(ticket, reinit, question.rounds),
    )


@claim(cases={LENET: ("",), f"{LENET}-sgd": (SGD,)})
def test_pruning_before_training_is_worse(question, training):
    """Pruned by magnitude at iteration 0, networks are worse than reinitialised tickets of the same size."""
    return effect(gap(under(training, REINIT), under(training, chain("large_init")), question.rounds))


@claim(LENET)
def test_ticket_weights_move_more(question):
    """In the dense network's training the weights of tickets move farther than the others, in every layer."""
    return conjunction(**{name: kept("", question.rounds, layer, "movement") for name, layer in LAYERS.items()})


@claim(LENET)
def test_ticket_weights_grow(question):
    """In dense training the weights of tickets grow in magnitude more often than the others, in every layer."""

    def more(layer):
        return kept("", question.rounds, layer, "grown_kept") - kept("", question.rounds, layer, "grown_pruned")

    return conjunction(**{name: more(layer) for name, layer in LAYERS.items()})


def spread(training, rounds, name, criterion="large_final"):
    """How a mask spreads the first layer's connections, as the mean over rounds; see lottery.masks.connections."""
    return mean(anatomy(counted(criterion, training), n, 0, name) for n in rounds)


@claim(LENET)
def test_inputs_are_connected_unevenly(question):
    """In the first layer a ticket's connections are spread more unevenly over the inputs than over the units."""
    return effect(spread("", question.rounds, "spread_over_inputs") - spread("", question.rounds, "spread_over_units"))


@claim(LENET)
def test_inputs_are_connected_unevenly_beyond_chance(question):
    """The same, less what a random mask of the same size would have on either side."""
    return effect(kept("", question.rounds, 0, "outgoing") - kept("", question.rounds, 0, "incoming"))


@claim(LENET)
def test_inputs_have_two_peaks(question):
    """Some inputs keep many connections and others few, with a valley between, which random masks do not leave."""
    return conjunction(
        valley=spread("", question.rounds, "valley_over_inputs"),
        control_has_one_peak=spread("", question.rounds, "valley_over_inputs", "random"),
    )


@claim(LENET)
def test_adam_connects_inputs_more_unevenly(question):
    """Connections are spread more unevenly over the inputs after training with Adam than with SGD."""
    return effect(
        spread("", question.rounds, "spread_over_inputs") - spread(SGD, question.rounds, "spread_over_inputs")
    )


@claim(LENET)
def test_adam_connects_inputs_more_unevenly_beyond_chance(question):
    """The same, less what random masks of the same size would have."""
    return effect(kept("", question.rounds, 0, "outgoing") - kept(SGD, question.rounds, 0, "outgoing"))


NOISY = {size: branch("large_final", f"noise_{size}") for size in ("half", "one", "two", "three")}


@claim(LENET)
def test_noise_on_initial_values(question):
    """Noise on a ticket's initial values costs accuracy: half a deviation hardly any; three still beat a new draw."""
    levels = [mean(accuracy(arm, n) for n in question.rounds) for arm in (TICKET, *NOISY.values())]
    return conjunction(
        half_a_deviation=gap(NOISY["half"], TICKET, question.rounds),
        more_is_worse=slope(levels),
        three_deviations_over_reinit=gap(NOISY["three"], REINIT, question.rounds),
        control_is_outside=gap(REINIT, TICKET, question.rounds),
    )


@claim(LENET)
def test_noise_costs_step_by_step(question):
    """Every doubling of the noise from half a deviation to two, and a third one, costs accuracy and time."""
    steps = zip(list(NOISY)[1:], list(NOISY)[:-1])
    parts = {}
    for more, less in steps:
        parts[f"{more}_is_worse_than_{less}"] = gap(NOISY[more], NOISY[less], question.rounds)
        parts[f"{more}_is_slower_than_{less}"] = delay(NOISY[more], NOISY[less], question.rounds)
    return conjunction(**parts)


# Appendix G: other learning rates


def better(arm, other, rounds):
    """By how many points an arm is more accurate on validation images, on which the appendix compares."""
    return gap(arm, other, rounds, part="validation")


def part_at(rate):
    """The name of a claim's part at a learning rate."""
    return "at_" + f"{rate:f}".rstrip("0").replace(".", "_")


def at_rates(compare, optimiser, rates, rounds):
    """The claim that tickets compare with the dense network in this way at each learning rate."""
    parts = {}
    for rate in rates:
        ticket, dense = (under(optimiser.format(rate), arm) for arm in (TICKET, DENSE))
        parts[part_at(rate)] = compare(ticket, dense, rounds)
    return conjunction(**parts)


LOWEST_RATE = under(ADAM.format(0.000025), TICKET)  # of the sweep; far below those that the paper calls alike


@claim(LENET)
def test_learning_rates_of_adam_are_alike(question):
    """From 2e-4 to 2e-3 Adam's networks are similarly accurate, with all weights and with few; far below not."""
    parts = {
        part_at(rate): better(under(ADAM.format(rate), TICKET), TICKET, question.rounds) for rate in (0.0002, 0.002)
    }
    return conjunction(**parts, control_is_outside=better(LOWEST_RATE, TICKET, [0]))


@claim(LENET)
def test_high_rates_of_adam_are_fastest(question):
    """At 1.2e-3 and at 2e-3 Adam comes to its early stop before it does at 2e-4."""
    slow, fast = (under(ADAM.format(rate), TICKET) for rate in (0.0002, 0.002))
    return conjunction(at_0_0012=delay(slow, TICKET, question.rounds), at_0_002=delay(slow, fast, question.rounds))


@claim(LENET)
def test_extreme_rates_of_adam_do_not_stop(question):
    """At 2.5e-5 and 6.4e-3 Adam's dense network does not come to its early stop within the run; at 1.2e-3 it does."""

    def unstopped(arm):
        return proportion(above(unfinished(arm, 0), 0.5))

    return conjunction(
        low_does_not_stop=unstopped(LOWEST_RATE),
        high_does_not_stop=unstopped(under(ADAM.format(0.0064), TICKET)),
        control_usual_rate_stops=unstopped(DENSE),
    )


@claim(LENET)
def test_pruning_helps_at_extreme_rates_of_adam(question):
    """At 2.5e-5 and 6.4e-3, where Adam does not come to its early stop, tickets yet become more accurate."""
    return at_rates(better, ADAM, (0.000025, 0.0064), question.rounds)


SWEEPS = {"adam": (ADAM, 0.0002, 0.002), "sgd": (PLAIN, 0.4, 0.8), "momentum": (MOMENTUM, 0.025, 0.1)}


@claim(cases={f"{LENET}-{name}": sweep for name, sweep in SWEEPS.items()})
def test_tickets_are_faster_at_other_rates(question, optimiser, *rates):
    """At other learning rates and with other optimisers tickets, too, stop earlier than the dense network."""
    return at_rates(delay, optimiser, rates, question.rounds)


@claim(cases={f"{LENET}-{name}": sweep for name, sweep in (SWEEPS | {"momentum": (MOMENTUM, 0.1)}).items()})
def test_tickets_are_more_accurate_at_other_rates(question, optimiser, *rates):
    """At other learning rates and with other optimisers tickets, too, are more accurate than the dense network."""
    return at_rates(better, optimiser, rates, question.rounds)


@claim(LENET)
def test_sgd_is_as_accurate_as_adam(question):
    """SGD at 0.4 and at 0.8 is as accurate as Adam at its best rate; Adam at the lowest of its rates is not."""
    parts = {part_at(rate): better(under(PLAIN.format(rate), TICKET), TICKET, question.rounds) for rate in (0.4, 0.8)}
    return conjunction(**parts, control_lowest_rate_falls=better(LOWEST_RATE, TICKET, [0]))


@claim(LENET)
def test_sgd_stops_as_early_as_adam(question):
    """SGD at 0.4 and at 0.8 stops as early as Adam at its best rate; Adam at 2e-4 is later."""
    parts = {part_at(rate): delay(under(PLAIN.format(rate), TICKET), TICKET, question.rounds) for rate in (0.4, 0.8)}
    slow = under(ADAM.format(0.0002), TICKET)
    return conjunction(**parts, control_low_rate_is_later=delay(slow, TICKET, question.rounds))


@claim(LENET)
def test_momentum_at_0_025_is_better_unpruned(question):
    """With momentum the dense network is more accurate at 0.025 than at 0.1."""
    low, high = (under(MOMENTUM.format(rate), TICKET) for rate in (0.025, 0.1))
    return effect(better(low, high, question.rounds))


@claim(LENET)
def test_momentum_at_0_025_gains_nothing(question):
    """With momentum at 0.025 no ticket is more accurate than the dense network; with Adam tickets are."""
    ticket, dense = (under(MOMENTUM.format(0.025), arm) for arm in (TICKET, DENSE))
    larger, smaller = question.rounds
    return conjunction(
        larger_ticket=better(ticket, dense, [larger]),
        smaller_ticket=better(ticket, dense, [smaller]),
        control_usual_ticket_gains=better(TICKET, DENSE, question.rounds),
    )


# Appendix G: other pruning rates


@claim(
    cases={f"{LENET}-20-over-60": ("", "60"), f"{LENET}-20-over-40": ("", "40"), f"{LENET}-10-over-40": ("10", "40")}
)
def test_slow_pruning_beats_fast(question, slow, fast):
    """Pruned by 10 or 20% a round, tickets of equal size are more accurate and faster than pruned by 40% or more."""
    slower, faster = (of_network(f"{LENET}-pruned-by-{rate}" if rate else "", TICKET) for rate in (slow, fast))
    of_slow, of_fast = question.rounds
    return conjunction(
        accuracy=accuracy(slower, of_slow, part="validation") - accuracy(faster, of_fast, part="validation"),
        early_stop=early_stop(faster, of_fast) - early_stop(slower, of_slow),
    )


# Appendix G: other deviations of the initialisation


def drawn_with(deviation):
    """The ticket of the network whose weights start with this deviation in every layer."""
    return of_network(f"{LENET}-normal-{deviation}", TICKET)


@claim(LENET)
def test_deviation_0_1_is_best(question):
    """A deviation of 0.1 in every layer is about as good as Glorot's, and better than a quarter or four times of it."""
    best, quarter, four_times = map(drawn_with, ("0_1", "0_025", "0_4"))
    return conjunction(
        about_glorot=better(best, TICKET, question.rounds),
        over_a_quarter=better(best, quarter, question.rounds),
        over_four_times=better(best, four_times, question.rounds),
        control_a_quarter_falls=better(quarter, TICKET, question.rounds),
    )


DEVIATIONS = ("0_025", "0_1", "0_4")


@claim(cases={f"{LENET}-{deviation}": (deviation,) for deviation in DEVIATIONS})
def test_tickets_are_faster_from_other_deviations(question, deviation):
    """From other deviations tickets, too, stop earlier than the dense network."""
    ticket = drawn_with(deviation)
    return effect(delay(ticket, of_network(ticket.network, DENSE), question.rounds))


@claim(LENET)
def test_tickets_are_more_accurate_from_other_deviations(question):
    """From other deviations tickets, too, become more accurate than the dense network."""
    parts = {}
    for deviation in DEVIATIONS:
        ticket = drawn_with(deviation)
        parts[f"from_{deviation}"] = better(ticket, of_network(ticket.network, DENSE), question.rounds)
    return conjunction(**parts)


# Appendix G: other widths

NARROW = of_network(f"{LENET}-narrow", TICKET)


@claim(LENET)
def test_wide_tickets_are_better_at_equal_count(question):
    """With as many weights left, the ticket of a wider network is more accurate than that of one a quarter as wide."""
    of_wide, of_narrow = question.rounds
    return effect(accuracy(TICKET, of_wide, part="validation") - accuracy(NARROW, of_narrow, part="validation"))


@claim(LENET)
def test_wide_tickets_are_hardly_faster_at_equal_count(question):
    """With about as many weights left, the ticket of a wider network stops about as early as that of a narrow one."""
    of_wide, of_narrow = question.rounds
    return conjunction(
        about_as_early=early_stop(NARROW, of_narrow) - early_stop(TICKET, of_wide),
        control_reinit_is_later=early_stop(REINIT, of_wide) - early_stop(TICKET, of_wide),
    )


@claim(LENET, f"{LENET}-narrow")
def test_widths_return_at_equal_count(question):
    """At about 9,000 to 15,000 weights tickets of any width are as accurate as their dense network; reinits are not."""
    return conjunction(
        returns=better(TICKET, DENSE, question.rounds), control_falls=better(REINIT, DENSE, question.rounds)
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


@claim(cases={name: (name, printed) for name, printed in (("conv-2", "99"), ("conv-4", "89"), ("conv-6", "35"))})
def test_dense_shares(question, name, printed):
    """Of the weights of the described networks as large a share is in dense layers as the paper prints."""
    one = network(name)
    return exact(lambda: as_printed(100 * one.weights_of(HIDDEN, OUTPUT) / one.weights, printed), printed)


@claim(cases={"conv-2": ("conv-2", "less than 1 %", 0, 1), "conv-6": ("conv-6", "nearly two thirds", 60, 200 / 3)})
def test_convolution_shares(question, name, printed, low, high):
    """Of the weights of the described networks less than 1% is in convolutions, or nearly two thirds."""
    share = 100 * network(name).weights_of(CONVOLUTION) / network(name).weights
    return exact(lambda: printed if low <= share < high else f"{share:.1f} %", printed)


def pruned_by(architecture, rates):
    """Return a network with other rates of pruning, in per cent, for some roles of its layers."""
    shares = {role: Fraction(rate) / 100 for role, rate in rates.items()}
    return replace(architecture, pruned_per_round=tuple((dict(architecture.pruned_per_round) | shares).items()))


@claim(
    cases={
        "lenet-300-100": (
            "lenet-300-100",
            {3: "51.3", 7: "21.1", 9: "13.5", 12: "7.0", 15: "3.6", 16: "2.9", 18: "1.9"},
        ),
        "conv-2": ("conv-2", {6: "26.5", 11: "8.8", 14: "4.6", 16: "3"}),
        "conv-4": ("conv-4", {11: "11.1", 12: "9.2", 13: "7.6", 15: "5.4"}),
        "conv-6": ("conv-6", {7: "26.4", 10: "15.1", 12: "10.5"}),
        "conv-6-at-10": ("conv-6", {11: "19.7", 13: "15.2", 15: "11.9", 17: "9.31"}, {CONVOLUTION: 10}),
        "resnet-18": ("resnet-18", {4: "41.7", 6: "27.1", 7: "21.9", 10: "11.8"}),
        "vgg-19": ("vgg-19", {12: "6.9", 15: "3.5", 19: "1.5"}),
    }
)
def test_pruning_ladder(question, name, printed, rates=None):
    """The described rates per round, or `rates` in per cent, leave the shares of weights that the paper prints."""
    one = pruned_by(network(name), rates or {})
    return exact(
        lambda: {round: as_printed(one.weights_remaining(round), text) for round, text in printed.items()}, printed
    )


@claim(LENET)
def test_one_shot_shares(question):
    """Pruned at once by plain rates, the output layer at half of that, LeNet keeps the shares that the paper prints."""
    printed = {5: "95.0", 32.5: "67.5", 82.5: "17.6", 95: "5.17"}
    networks = {rate: pruned_by(network(LENET), {HIDDEN: rate, OUTPUT: rate / 2}) for rate in printed}
    return exact(
        lambda: {rate: as_printed(networks[rate].weights_remaining(1), text) for rate, text in printed.items()}, printed
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
