"""Restore the trained network from a trial's files."""

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nas.architecture.module import build
from nas.errors import ExportError
from nas.export.subject import Subject


def restore(subject: Subject) -> nn.Module:
    """The trained network of `subject`, in evaluation mode, on the CPU in float32.

    Raises `ExportError` if the weights are missing, damaged, or those of another network.
    """
    model = build(subject.architecture)
    try:
        model.load_state_dict(load_file(subject.weights))
    except FileNotFoundError:
        raise ExportError(f"{subject.weights} is missing: put it back") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ExportError(
            f"{subject.weights} does not hold the weights of {subject.title}: "
            f"put it back ({reason})"
        ) from None
    return model.eval()
