"""Train one model. `Recipe` and `Epoch` import no torch; `nas.training.fit` does."""

from nas.training.curve import Epoch
from nas.training.recipe import MAX_EPOCHS, Recipe

__all__ = ["MAX_EPOCHS", "Epoch", "Recipe"]
