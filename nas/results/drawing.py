"""An architecture as a drawing: one box a feature map, as high as the image, as wide as its width.

The drawing is SVG and takes its colours from the page: classes `map`, `conv`, `depthwise`, `pool`
and `head` are for a style sheet.
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

GAP = 34  # between two boxes, where the operation stands
HIGHEST = 84  # of a box, for the input's side
TOP, BOTTOM = 18, 18  # for text above and below the boxes
MARGIN = 20  # left and right: the sides of an image that is not square are wider than its box


def draw(architecture: Architecture) -> str:
    """The SVG of `architecture`: from left to right, with sides above and widths below."""
    maps: list[tuple[str, str, Shape]] = [("map", "", architecture.input_shape)]
    for layer, shape in zip(architecture.layers, architecture.shapes[1:], strict=True):
        if not layer.in_place:
            maps.append((*_operation(layer), shape))
    x, boxes = float(MARGIN), []
    for kind, operation, shape in maps:
        x += GAP if operation else 0
        width, height = _size(shape, architecture.input_shape)
        boxes.append((x, width, height, kind, operation, shape))
        x += width
    total = TOP + HIGHEST + BOTTOM
    svg = Element(
        "svg",
        {
            "viewBox": f"0 0 {x + MARGIN:.0f} {total}",
            "width": f"{x + MARGIN:.0f}",
            "height": str(total),
            "role": "img",
            "aria-label": architecture.summary(),
        },
    )
    middle = TOP + HIGHEST / 2
    for left, width, height, kind, operation, shape in boxes:
        top = middle - height / 2
        rectangle = {"x": left, "y": top, "width": width, "height": height, "rx": 2}
        SubElement(
            svg,
            "rect",
            {"class": kind, **{name: f"{value:.1f}" for name, value in rectangle.items()}},
        )
        centre = left + width / 2
        side = "x".join(str(side) for side in shape[1:]) if len(shape) == 3 else ""
        if len(shape) == 3 and shape[1] == shape[2]:
            side = str(shape[1])
        _text(svg, centre, top - 4, side)
        _text(svg, centre, top + height + 12, str(shape[0]))
        if operation:
            _text(svg, left - GAP / 2, middle + 4, operation)
    return tostring(svg, encoding="unicode")


def _size(shape: Shape, input_shape: Shape) -> tuple[float, float]:
    side = shape[1] if len(shape) == 3 else 1
    return 4 + 3 * sqrt(shape[0]), 4 + (HIGHEST - 4 - 16) * side / input_shape[1]


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
    """As in `Architecture.summary`: it has the weights of the last one like it."""
    return "=" if shared else ""


def _step(stride: int) -> str:
    return f"/{stride}" if stride > 1 else ""


def _text(svg: Element, x: float, y: float, text: str) -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle"}
    SubElement(svg, "text", attributes).text = text
