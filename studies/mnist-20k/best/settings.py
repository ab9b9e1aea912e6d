"""The settings that the network was trained with, and the claims about it."""

# The claims that test_model.py checks
PARAMETERS = 9_105  # trainable
BUDGET = 20_000  # parameters at most
INPUT_SHAPE = (1, 28, 28)  # channels, height, width
OUTPUTS = 10  # one per class
BATCH_NORM = True  # whether the network has such a layer, here and below
DROPOUT = False
GLOBAL_AVERAGE_POOLING = True
LINEAR = False

# The data set
DATASET = "MNIST"  # class in torchvision.datasets
OPTIONS = {}  # its arguments besides the folder
TRANSPOSED = False  # whether the files have rows and columns swapped
HELD_OUT = 10_000  # training images that the search held out

# Training
EPOCHS = 15  # Epochs a candidate trains, 1 to 15.
BATCH_SIZE = 64  # Images a step; 16 for digits.
LR = 0.04  # Peak learning rate of AdamW.
WEIGHT_DECAY = 0.0001  # Weight decay of AdamW.
WARMUP = 0.2  # Share of a cycle in which the learning rate rises.
AVERAGE = 1.0  # Epochs the weights are averaged over; 0: none.
BN_IMAGES = 2_000  # Training images that batch norm's statistics are renewed from; 0: running averages.
LABEL_SMOOTHING = 0.0  # Label smoothing.
ROTATION = 7.0  # Augmentation: degrees, each way.
SHIFT = 1.5  # Augmentation: pixels, each way.
SCALE = 0.05  # Augmentation: relative, each way.
FLIP = 0.0  # Probability that an image is mirrored left to right.
FADE = 0.33  # Share of the steps, the last, in which rotation, shift and scale fade.
FADE_ABOVE = 1.5  # Percent of training images wrong before that; with fewer it does not fade.
PRECISION = "auto"  # auto is bfloat16 on a CPU that has it, else float32.
CYCLES = (15,)  # epochs of each learning-rate cycle
SEED = 4_152_318_369  # the search's random seed
