"""Augmentation strength that fades towards the end of training (`docs/recipe.md` measures it)."""

import torch


class Fading:
    """The augmentation strength of every step: `strengths` (epochs, steps), from 0 to 1.

    Over the last share `fade` of the steps the strength falls linearly from 1 to 0. It reaches 0
    with a fifth of these steps left, so training ends on unchanged images.

    A network that already fits its augmented images would only overfit without augmentation. So the
    strength stays 1 if fewer than `above` percent of them were wrong in the last whole epoch before
    the fade. If there is no whole epoch before it, the strength falls.
    """

    def __init__(
        self, fade: float, above: float, epochs: int, steps: int, device: torch.device
    ) -> None:
        total = epochs * steps
        left = torch.arange(total, 0, -1, dtype=torch.float64) / (fade * total)  # share of the fade
        strengths = ((left - 0.2) / 0.8).clamp(0, 1).float()
        self.strengths = strengths.to(device).view(epochs, steps)
        self._above = above
        self._deciding_epoch = int((1 - fade) * epochs + 1e-9)  # 0.9 of 10 is one whole epoch
        self._epochs = 0

    def after_epoch(self, accuracy: float) -> None:
        """Record the accuracy on the training images, in percent, of the epoch that just ended."""
        self._epochs += 1
        if self._epochs == self._deciding_epoch and 100 - accuracy < self._above:
            self.strengths.fill_(1.0)
