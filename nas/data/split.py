"""Choose images so that every class has its share."""

import numpy as np

SPLIT_SEED = 0  # fixed, so that every study of a data set holds out the same images


def stratified_mask(
    labels: "np.ndarray[tuple[int], np.dtype[np.integer]]", count: int, seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """A mask (N,) with `count` of the images with these labels (N,), stratified by label.

    Shuffles the images, sorts them by label and takes every n-th, so each class has its share to
    within one image.
    """
    # RandomState's stream is frozen by numpy; a Generator's may change between versions.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    mask = np.zeros(len(labels), dtype=bool)
    mask[by_label[np.arange(count) * len(labels) // count]] = True
    return mask
