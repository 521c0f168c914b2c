"""Fischer & Burkholz 2021: Plant 'n' Seek: Can You Find the Winning Ticket? (arXiv 2111.11153). So far: what is said of planting itself."""

import functools

from lottery.claims import claim, exact

DEPTHS = (3, 5, 6, 10)
SEEDS = 10
WIDTH = 100


@functools.cache
def planted(task, depth, printed=False):
    """The task's target, and ten networks of width 100 with it planted in them."""
    from lottery.planting import hosts, plant
    from lottery.targets import TASKS

    target = TASKS[task](depth)
    widths = [target.widths[0], *[WIDTH] * (depth - 2), target.widths[-1]]
    return target, plant(target, hosts(widths, range(SEEDS)), printed)


@claim("lemma-1")
def test_errors_stay_bounded(question):
    """A network whose parameters are off by no more than lemma 1 allows is off by no more than was asked for."""

    def aligned(wanted=0.1):
        import torch

        from lottery.existence import tolerances
        from lottery.targets import Target

        target = Target(*[tuple(torch.ones(shape, dtype=torch.float64) for _ in range(3)) for shape in ((3, 3), (3,))])
        inputs = torch.ones(1, 3, dtype=torch.float64)
        allowed = tolerances(target, inputs, wanted)
        off = Target(*[tuple(values + most for values, most in zip(of, allowed)) for of in (target.weights, target.biases)])
        return float((target(inputs) - off(inputs)).abs().max()) <= wanted

    def random(wanted=0.1, networks=200):
        import torch

        from lottery.existence import tolerances
        from lottery.streams import stream
        from lottery.targets import Target

        generator, worst = stream(0, "lemma 1"), 0.0
        for _ in range(networks):
            shapes = [(2, 3), (3, 3), (3, 2)]
            weights = [2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1 for shape in shapes]
            biases = [2 * torch.rand(shape[1], generator=generator, dtype=torch.float64) - 1 for shape in shapes]
            target, inputs = Target(tuple(weights), tuple(biases)), 2 * torch.rand(500, 2, generator=generator, dtype=torch.float64) - 1
            off = [
                tuple(values + most * (2.0 * torch.randint(0, 2, values.shape, generator=generator) - 1) for values, most in zip(of, allowed))
                for allowed in [tolerances(target, inputs, wanted)]
                for of in (weights, biases)
            ]
            worst = max(worst, float((target(inputs) - Target(*off)(inputs)).abs().max()))
        return worst <= wanted

    return exact(lambda: {"random networks": random(), "aligned weights": aligned()}, {"random networks": True, "aligned weights": True})


@claim("theorem-2")
def test_random_networks_match_as_often_as_bounded(question):
    """Random layers contain given neurons at least as often as theorem 2 says, up to three standard errors of the trial."""

    def holds(trials=2000):
        from lottery.existence import chance, matched
        from lottery.streams import stream

        cases = ((1, 1, 20, 0.1), (2, 2, 200, 0.15), (3, 2, 500, 0.1), (2, 3, 1000, 0.15))
        found = {}
        for neurons, degree, width, error in cases:
            bound = chance([[degree] * neurons], [width], [error])
            share = matched(degree, neurons, width, error, trials, stream(0, "theorem 2", neurons, degree))
            found[str((neurons, degree, width, error))] = share >= bound - 3 * (bound * (1 - bound) / trials) ** 0.5
        return all(found.values())

    return exact(holds, True)


@claim("theorem-2")
def test_bound_follows_size(question):
    """The bound falls with in-degree, neurons and layers of the target, and rises with the network's width."""

    def holds():
        from lottery.existence import chance

        base = chance([[2] * 3] * 2, [300] * 2, [0.1] * 2)
        smaller = (chance([[3] * 3] * 2, [300] * 2, [0.1] * 2), chance([[2] * 4] * 2, [300] * 2, [0.1] * 2), chance([[2] * 3] * 3, [300] * 3, [0.1] * 3))
        return [value < base for value in smaller] == [True] * 3 and chance([[2] * 3] * 2, [400] * 2, [0.1] * 2) > base

    return exact(holds, True)


@claim("relu")
def test_paths_exist(question):
    """A single path is a ReLU ticket with probability 0.5 per weight; among ten neurons a layer there is one almost surely."""

    def shares(trials=4000):
        from lottery.existence import paths
        from lottery.streams import stream

        single, many = (paths(5, width, trials, stream(0, "paths", width)) for width in (1, 10))
        return {"single path": abs(single - 0.5**4) < 3 * (0.5**4 * (1 - 0.5**4) / trials) ** 0.5, "ten neurons": many > 0.99}

    return exact(shares, {"single path": True, "ten neurons": True})


@claim(cases={task: (task,) for task in ("relu", "circle", "helix")})
def test_planted_tickets_compute_the_target(question, task):
    """Cut to its ticket and divided by the recorded scale, a planted network computes the target, at every depth."""

    def rounding_only(depth):
        import torch

        from lottery.tasks import draw

        target, network = planted(task, depth)
        inputs = draw(task, 500, 0, "test").inputs
        wanted = target(inputs)
        return bool((network.ticket(inputs) / network.scale.unsqueeze(1) - wanted).abs().max() <= 1e-12 * torch.clamp(wanted.abs().max(), min=1))

    return exact(lambda: [rounding_only(depth) for depth in DEPTHS], [True] * len(DEPTHS))


@claim(cases={task: (task, False) for task in ("relu", "circle", "helix")} | {"circle-printed": ("circle", True)})
def test_planted_weights_hide(question, task, printed):
    """Planted weights are as large as those around them, and the largest weights of the network are not they."""

    def hidden(depth=5):
        import torch

        target, found = planted(task, depth, printed)
        ratios = [(size[mask].mean() / size[~mask].mean()).item() for size, mask in zip([w.abs() for w in found.network.weights], found.weight_masks)]
        sizes = torch.cat([w.abs().flatten(1) for w in found.network.weights], 1)
        masks = torch.cat([mask.flatten(1) for mask in found.weight_masks], 1)
        largest = torch.zeros_like(masks).scatter(1, sizes.topk(target.size, 1).indices, True)
        recall = ((largest & masks).sum() / masks.sum()).item()
        return {"sizes": all(0.5 <= ratio <= 2.5 for ratio in ratios), "recall below 10 %": recall < 0.1}

    return exact(hidden, {"sizes": True, "recall below 10 %": True})


def sparsity(task, depth):
    """Share of a network's weights that its planted ticket has."""
    target, found = planted(task, depth)
    return target.size / sum(weights[0].numel() for weights in found.network.weights)


@claim(cases={"relu": ("relu", "0.01"), "circle": ("circle", "0.16"), "helix": ("helix", "0.29")})
def test_sparsities_at_depth_3(question, task, printed):
    """At depth 3 and width 100 the tickets have the shares of weights that the caption of figure 6 prints, cut off or rounded."""

    def as_printed():
        share = sparsity(task, 3)
        return printed if printed in (f"{share:.2f}", f"{int(share * 100) / 100:.2f}") else f"{share:.4f}"

    return exact(as_printed, printed)


@claim(cases={"relu": ("relu", 4, 20_200), "circle": ("circle", 108, 20_600), "helix": ("helix", 120, 20_400)})
def test_counts_at_depth_5(question, task, weights, of):
    """At depth 5 and width 100 the tickets have as many weights, of as many, as those that the authors' code builds."""

    def counted():
        target, found = planted(task, 5)
        return [target.size, sum(weights[0].numel() for weights in found.network.weights)]

    return exact(counted, [weights, of])


@claim(cases={"relu": ("relu", {3: 1.0e-4, 5: 1.0e-4, 10: 1.0e-4}, 5e-6), "helix": ("helix", {3: 3.15e-4, 5: 3.17e-4, 10: 3.17e-4}, 1e-5),
              "circle": ("circle", {3: 0.952, 4: 0.981, 5: 0.981, 6: 0.978, 10: 0.988}, 0.005)})  # fmt: skip
def test_tickets_solve_their_task(question, task, levels, tolerance):
    """On noisy test data the targets reach the error, or the accuracy, that the authors' tickets have."""

    def reached(depth):
        from lottery.targets import TASKS
        from lottery.tasks import draw, score

        target, samples = TASKS[task](depth), [draw(task, 10_000, seed, "test") for seed in range(SEEDS)]
        scores = [float(score(task, target(sample.inputs), sample.observed)) for sample in samples]
        return abs(sum(scores) / len(scores) - levels[depth]) <= tolerance

    return exact(lambda: {depth: reached(depth) for depth in levels}, dict.fromkeys(levels, True))


@claim("circle")
def test_circle_gets_sparser_with_depth(question):
    """The deeper the network, the smaller the share of weights that represents Circle."""

    def falling():
        shares = [sparsity("circle", depth) for depth in (3, 4, 5, 6, 10)]
        return shares == sorted(shares, reverse=True) and len(set(shares)) == len(shares)

    return exact(falling, True)


@claim("helix")
def test_helix_is_wide_early(question):
    """The Helix ticket is wide near the input and narrow later."""

    def widths():
        from lottery.targets import helix

        return list(helix(5).widths)

    return exact(widths, [1, 1, 30, 3, 3])


@claim(cases={"circle": ("circle", [2.0, 0.04, 0.2, 20.0]), "helix": ("helix", [1.0, 0.3, 0.86, 1.0])})
def test_layers_are_unevenly_dense(question, task, densities):
    """The layers of a ticket keep very different shares of their weights."""

    def shares():
        target, found = planted(task, 5)
        layers = zip(target.weights, found.network.weights)
        return [round(100 * int((weight != 0).sum()) / host[0].numel(), 2) for weight, host in layers]

    return exact(shares, densities)
