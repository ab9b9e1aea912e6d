"""The names of devices, as `--device` takes them. No torch."""

from nas.errors import DeviceError, unknown

DEVICES = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Raise `DeviceError` if `name` is not a device's name; this machine may still lack it."""
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and (kind != "cuda" or not index.isdecimal())):
        raise DeviceError(unknown("device", name, (*DEVICES, "cuda:N")))
