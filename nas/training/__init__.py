"""How one model is trained. `Recipe` and `Epoch` need no torch; `nas.training.fit` does."""

from nas.training.curve import Epoch
from nas.training.recipe import MAX_EPOCHS, Recipe

__all__ = ["MAX_EPOCHS", "Epoch", "Recipe"]
