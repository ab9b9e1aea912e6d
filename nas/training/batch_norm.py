"""Recompute batch norm statistics for fixed weights."""

from collections.abc import Iterable, Sequence
from math import ceil

import torch
from torch import Tensor, nn

BN_BATCH = 1_000  # images per batch that the statistics are computed from


def bn_batches(images: Tensor) -> Sequence[Tensor]:
    """`images` in batches of equal size (to within one image), at most `BN_BATCH` each."""
    return images.tensor_split(ceil(len(images) / BN_BATCH)) if len(images) else ()


@torch.no_grad()
def renew_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set batch norm statistics to their mean over `batches` of inputs, all of one size.

    Without batches the statistics are kept. Leaves `network` in evaluation mode.

    Averaged weights need statistics of their own: averaging the statistics of the individual
    weights is not the same (Izmailov et al., Averaging weights leads to wider optima, 2018; Wu and
    Johnson, Rethinking "Batch" in BatchNorm, 2021).
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)  # BatchNorm1d after a Flatten
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.train()
    for number, inputs in enumerate(batches if norms else (), 1):
        for norm in norms:
            norm.momentum = 1 / number  # a cumulative mean: the first batch replaces old values
        network(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
