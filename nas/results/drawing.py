"""An architecture as a drawing: one box a feature map.

A box is as high as the side of the map, and the wider the more channels it has. The page's style
sheet colours the classes `map`, `conv`, `depthwise`, `pool` and `head`.
"""

from math import sqrt
from xml.etree.ElementTree import Element, SubElement, tostring

from nas.architecture import (
    Architecture,
    AvgPool,
    Conv,
    DepthwiseConv,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Shape,
)

GAP = 34  # between two boxes, with the operation in it
MAX_HEIGHT = 84  # of a box
TOP, BOTTOM = 18, 18  # for text above and below the boxes
MARGIN = 20  # left and right, because `28x14` is wider than the box below it


def draw(architecture: Architecture) -> str:
    """The SVG of `architecture`, from left to right: sides above the boxes, channels below."""
    maps: list[tuple[str, str, Shape]] = [("map", "", architecture.input_shape)]
    for layer, shape in zip(architecture.layers, architecture.shapes[1:], strict=True):
        if not layer.in_place:
            maps.append((*_operation(layer), shape))
    svg = Element("svg", {"role": "img", "aria-label": architecture.summary()})
    x, middle = float(MARGIN), TOP + MAX_HEIGHT / 2
    for kind, operation, shape in maps:
        if operation:
            _text(svg, x + GAP / 2, middle + 4, operation)
            x += GAP
        width, height = _size(shape, architecture.input_shape)
        top = middle - height / 2
        box = {"x": x, "y": top, "width": width, "height": height, "rx": 2}
        attributes = {name: f"{value:.1f}" for name, value in box.items()}
        SubElement(svg, "rect", attributes | {"class": kind})
        sides = list(dict.fromkeys(shape[1:]))  # a square's side once
        _text(svg, x + width / 2, top - 4, "x".join(map(str, sides)))
        _text(svg, x + width / 2, top + height + 12, str(shape[0]))
        x += width
    total = TOP + MAX_HEIGHT + BOTTOM
    svg.attrib |= {"viewBox": f"0 0 {x + MARGIN:.0f} {total}", "width": f"{x + MARGIN:.0f}"}
    svg.set("height", str(total))
    return tostring(svg, encoding="unicode")


def _size(shape: Shape, input_shape: Shape) -> tuple[float, float]:
    side = shape[1] if len(shape) == 3 else 1
    return 4 + 3 * sqrt(shape[0]), 4 + (MAX_HEIGHT - 4 - 16) * side / input_shape[1]


def _operation(layer: Layer) -> tuple[str, str]:
    match layer:
        case Conv(kernel=kernel, stride=stride, shared=shared):
            return "conv", _again(shared) + f"{kernel}×{kernel}" + _step(stride)
        case DepthwiseConv(kernel=kernel, stride=stride, shared=shared):
            return "depthwise", _again(shared) + f"dw {kernel}" + _step(stride)
        case MaxPool(kernel=kernel):
            return "pool", f"max {kernel}"
        case AvgPool(kernel=kernel):
            return "pool", f"avg {kernel}"
        case GlobalAvgPool():
            return "head", "gap"
        case Linear():
            return "head", "fc"
    return "map", type(layer).__name__


def _again(shared: bool) -> str:
    """As in `Architecture.summary`: `=` for the weights of the last layer like it."""
    return "=" if shared else ""


def _step(stride: int) -> str:
    return f"/{stride}" if stride > 1 else ""


def _text(svg: Element, x: float, y: float, text: str) -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle"}
    SubElement(svg, "text", attributes).text = text
