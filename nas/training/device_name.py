"""Device names that `--device` accepts. Imports no torch."""

from nas.errors import DeviceError, unknown

DEVICES = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Raise `DeviceError` if `name` is not a device name. The device itself may be missing."""
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and (kind != "cuda" or not index.isdecimal())):
        raise DeviceError(unknown("device", name, (*DEVICES, "cuda:N")))
