"""What a network is worth now: batch norm's statistics taken anew, then the held-out images."""

from collections.abc import Iterable
from math import ceil

import torch
from torch import Tensor, nn

from nas.data.images import SPLIT_SEED, Split, stratified_mask
from nas.training.arithmetic import Arithmetic
from nas.training.step import evaluate, totals

TOGETHER = 1_000  # images that batch norm's statistics are taken from at a time


class Measuring:
    """Measures `network` on `data.held_out`.

    Before that, batch norm's statistics are taken anew from `images` of the training images as they
    are, the same ones every time. With 0 they stay what training left: an average of what the
    weights had on the way.
    """

    def __init__(
        self, network: nn.Module, data: Split, images: int, arithmetic: Arithmetic
    ) -> None:
        self._network, self._data, self._arithmetic = network, data, arithmetic
        labels = data.train.labels
        some = stratified_mask(labels.cpu().numpy(), min(images, len(labels)), SPLIT_SEED)
        self._some = data.train.take(torch.from_numpy(some.nonzero()[0]).to(labels.device))

    def __call__(self) -> tuple[float, float]:
        """Mean cross-entropy and accuracy in percent."""
        self._renew()
        return evaluate(self._network, self._data.held_out, self._data.normalizer, self._arithmetic)

    def totals(self) -> tuple[Tensor, Tensor]:
        """Summed cross-entropy and how many are right, on the device; reads nothing from it."""
        self._renew()
        return totals(self._network, self._data.held_out, self._data.normalizer, self._arithmetic)

    def _renew(self) -> None:
        count = ceil(len(self._some) / TOGETHER)
        parts = self._some.tensor_split(count) if count else ()
        normalizer, arrange = self._data.normalizer, self._arithmetic.arrange
        inputs = (arrange(normalizer(part.float() / 255)) for part in parts)
        with self._arithmetic.context(self._some.device):
            renew_statistics(self._network, inputs)


@torch.no_grad()
def renew_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set batch norm's statistics to their mean over `batches` of inputs, all of a size; without
    any they stay. Leaves `network` in evaluation mode.

    What the weights' average has to be normalised by is not the average of what the weights
    themselves were normalised by (Izmailov and others, Averaging weights leads to wider optima,
    2018; Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021).
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)  # behind a Flatten it is the former
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.train()
    for number, inputs in enumerate(batches if norms else (), 1):
        for norm in norms:
            norm.momentum = 1 / number  # the first replaces what was there
        network(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
