"""What is known of data sets without torch: sizes and boundaries of made tasks, numbers of classes, other splits."""

SIZES = {"relu": (1, 1), "circle": (2, 4), "helix": (1, 3)}  # inputs and outputs
BOUNDARIES = (0.2, 0.5, 0.7)  # of Circle's classes, in squared radii
CLASSES = {"emnist": 47, "cifar100": 100, "cifar100-grey": 100}  # of data sets that do not have ten
SPLITS = {"mnist-48k": "mnist"}  # data sets that hold out other images of the same ones
