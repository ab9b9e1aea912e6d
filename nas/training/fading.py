"""Augmentation that fades towards the end of a training. `docs/recipe.md` has what it is worth."""

import torch


class Fading:
    """How strong the augmentation is at every step, in `strengths`, (epochs, steps).

    In the last share `fade` of the steps it falls in a straight line from 1 to 0, where a fifth of
    them is left: a training ends on images as they are. Unless the network knows its augmented
    images by heart: if it got fewer than `above` percent of them wrong in the last whole epoch
    before, the strength stays 1, as it would only learn them still better. Where there is no whole
    epoch before, it falls.
    """

    def __init__(
        self, fade: float, above: float, epochs: int, steps: int, device: torch.device
    ) -> None:
        total = epochs * steps
        left = torch.arange(total, 0, -1, dtype=torch.float64) / (fade * total)  # of the fade
        strengths = ((left - 0.2) / 0.8).clamp(0, 1).float()
        self.strengths = strengths.to(device).view(epochs, steps)
        self._above = above
        self._judged = int((1 - fade) * epochs + 1e-9)  # 0.9 of 10 leaves a whole one
        self._epochs = 0

    def after_epoch(self, accuracy: float) -> None:
        """Take in how many of the training images were right in an epoch, in percent."""
        self._epochs += 1
        if self._epochs == self._judged and 100 - accuracy < self._above:
            self.strengths.fill_(1.0)
