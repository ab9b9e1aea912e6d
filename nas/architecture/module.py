"""The torch module of an architecture."""

from collections import OrderedDict

from torch import nn

from nas.architecture.architecture import Architecture


def build(architecture: Architecture) -> nn.Sequential:
    """The module of `architecture`: images (N, C, H, W) to the output (N, *out_shape).

    A sequence of named stages (`block1`, ..., `head`), each a sequence of the layers' own modules;
    the exported source has the same names, so a state dictionary fits both. A layer that shares
    another's weights is the same module.
    """
    calls, again = architecture.calls(), architecture.used_again
    # Those that are used again come first, as in the source: the order decides the initial weights.
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
