"""Measure a network during training: renew batch norm statistics, then evaluate."""

import torch
from torch import Tensor, nn

from nas.data.images import Split
from nas.data.split import SPLIT_SEED, stratified_mask
from nas.training.arithmetic import Arithmetic
from nas.training.batch_norm import bn_batches, renew_statistics
from nas.training.step import evaluate, totals


class Measuring:
    """Evaluates `network` on `data.held_out`.

    Before each evaluation, batch norm statistics are recomputed from the same `bn_images` training
    images, without augmentation. With `bn_images=0` the statistics of the training steps are kept,
    a moving average over the weights of many steps.
    """

    def __init__(
        self, network: nn.Module, data: Split, bn_images: int, arithmetic: Arithmetic
    ) -> None:
        self._network, self._data, self._arithmetic = network, data, arithmetic
        labels = data.train.labels
        mask = stratified_mask(labels.cpu().numpy(), min(bn_images, len(labels)), SPLIT_SEED)
        self._bn_images = data.train.take(torch.from_numpy(mask.nonzero()[0]).to(labels.device))

    def __call__(self) -> tuple[float, float]:
        """Mean cross-entropy, and accuracy in percent."""
        self._renew()
        return evaluate(self._network, self._data.held_out, self._data.normalizer, self._arithmetic)

    def totals(self) -> tuple[Tensor, Tensor]:
        """Summed cross-entropy and number of correct images, as scalars on the device."""
        self._renew()
        return totals(self._network, self._data.held_out, self._data.normalizer, self._arithmetic)

    def _renew(self) -> None:
        normalizer, arrange = self._data.normalizer, self._arithmetic.arrange
        batches = bn_batches(self._bn_images)
        inputs = (arrange(normalizer(batch.float() / 255)) for batch in batches)
        with self._arithmetic.context(self._bn_images.device):
            renew_statistics(self._network, inputs)
