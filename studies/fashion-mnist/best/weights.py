"""Load weights.safetensors with only torch.

The format (https://github.com/huggingface/safetensors) is the length of a JSON header in eight
bytes, the header, then the tensors' bytes, all little-endian.
"""

import json
from pathlib import Path

import torch
from model import Net
from torch import Tensor

FILE = Path(__file__).with_name("weights.safetensors")
DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read(path: Path = FILE) -> dict[str, Tensor]:
    """The tensors in `path`, by name: a state dictionary for `Net`."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = bytearray(content[start + begin : start + end])
        values = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def load(path: Path = FILE) -> Net:
    """The trained network, in evaluation mode."""
    net = Net()
    net.load_state_dict(read(path))
    return net.eval()
