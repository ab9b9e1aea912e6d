"""The torch module of an architecture."""

from collections import OrderedDict

from torch import nn

from nas.architecture.architecture import Architecture


def build(architecture: Architecture) -> nn.Sequential:
    """The module of `architecture`: images (N, C, H, W) to the output (N, *out_shape).

    A sequence of named stages (`block1`, ..., `head`), each a sequence of the layers' own modules;
    the exported source has the same names, so a state dictionary fits both.
    """
    calls = architecture.calls()
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for stage in architecture.stages():
        own = calls[stage.start : stage.start + len(stage.layers)]
        stages[stage.name] = nn.Sequential(
            *(getattr(nn, call.name)(*call.args, **call.kwargs) for call in own)
        )
    return nn.Sequential(stages)
