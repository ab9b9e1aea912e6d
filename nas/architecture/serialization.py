"""Write an architecture as JSON, and read untrusted JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from nas.architecture.base import LAYERS, Layer, Shape
from nas.errors import ArchitectureError, unknown

VERSION = 1
MAX_LAYERS = 1_000
MAX_TEXT = 1_000_000  # characters; a thousand layers have about 150,000


def write(input_shape: Shape, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """A JSON-serialisable dictionary."""
    return {
        "version": VERSION,
        "input_shape": list(input_shape),
        "layers": [{"type": type(layer).__name__, **_fields(layer)} for layer in layers],
    }


def read(value: Mapping[str, Any] | str) -> tuple[Shape, tuple[Layer, ...]]:
    """Input shape and layers from what `write` wrote, as a dictionary or as text.

    Raises `ArchitectureError` for an unknown layer and for a value outside its range.
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ArchitectureError(
                f"an architecture's JSON has at most {MAX_TEXT:,} characters, got {len(value):,}"
            )
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ArchitectureError(
                f"an architecture is JSON, got text that is not: {error}"
            ) from None
    if not isinstance(value, Mapping) or set(value) != {"version", "input_shape", "layers"}:
        raise ArchitectureError(
            "an architecture's JSON is an object with version, input_shape and layers"
        )
    if value["version"] != VERSION:
        raise ArchitectureError(
            f"an architecture's JSON has version {VERSION}, got {value['version']!r}: update nas"
        )
    if not isinstance(value["layers"], list) or not isinstance(value["input_shape"], list):
        raise ArchitectureError("an architecture's input_shape and layers are lists")
    if len(value["layers"]) > MAX_LAYERS:
        raise ArchitectureError(
            f"an architecture has 1 to {MAX_LAYERS} layers, got {len(value['layers'])}"
        )
    layers = tuple(_layer(number, item) for number, item in enumerate(value["layers"], start=1))
    return tuple(value["input_shape"]), layers


def _fields(layer: Layer) -> dict[str, Any]:
    return asdict(layer)  # type: ignore[call-overload, no-any-return]


def _layer(number: int, item: Any) -> Layer:
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        raise ArchitectureError(f"layer {number} needs to be an object with a type, got {item!r}")
    name = item["type"]
    if name not in LAYERS:
        raise ArchitectureError(f"layer {number}: {unknown('layer', name, LAYERS)}")
    known = [field.name for field in fields(LAYERS[name])]  # type: ignore[arg-type]
    options = {str(key): value for key, value in item.items() if key != "type"}
    for key in options:
        if key not in known:
            raise ArchitectureError(f"{name} at layer {number}: {unknown('field', key, known)}")
    try:
        return LAYERS[name](**options)
    except ArchitectureError as error:
        raise ArchitectureError(f"{name} at layer {number} {error}") from None
    except TypeError:
        raise ArchitectureError(
            f"{name} at layer {number} lacks a field: it has {', '.join(known)}"
        ) from None
