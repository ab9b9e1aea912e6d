"""Build the torch module of an architecture."""

from collections import OrderedDict

from torch import nn

from nas.architecture.architecture import Architecture


def build(architecture: Architecture) -> nn.Sequential:
    """The module of `architecture`: maps images (N, C, H, W) to outputs (N, *out_shape).

    It is a sequence of named stages (`block1`, ..., `head`), each a sequence of layers. Exported
    source has the same names, so a state dictionary fits both. Layers that share weights are the
    same module.
    """
    calls, again = architecture.calls(), architecture.used_again
    # Shared layers come first, as in exported source: the order determines the initial weights.
    made: dict[int, nn.Module] = {
        index: getattr(nn, calls[index].name)(*calls[index].args, **calls[index].kwargs)
        for index in dict.fromkeys((*again, *architecture.sources))
    }
    modules = [made[source] for source in architecture.sources]
    stages = {
        stage.name: nn.Sequential(*modules[stage.start : stage.start + len(stage.layers)])
        for stage in architecture.stages()
    }
    return nn.Sequential(OrderedDict(stages))
