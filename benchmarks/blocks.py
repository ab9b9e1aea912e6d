"""What other building blocks give a small network: tried here before a search space has them.

    python benchmarks/blocks.py [NET ...] [--seeds 1] [--workers 2]

The `n1k` ones are variations of the first, a separable net of 959 parameters that a search has
found; the larger ones are a separable design and what shares weights instead. Each trains on 50,000
MNIST images by the default recipe, as it was before augmentation faded, and is measured on the
10,000 held-out ones after epochs 1, 4 and 15. No test image is read. Writes blocks.csv beside this
file, a row a measurement; what is there is kept.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pool
import torch
from torch import Tensor, nn

from nas.data import dataset
from nas.data.images import Split, load_split
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training import Recipe
from nas.training.device import by_hardware
from nas.training.engines import Eager

OUTPUT = Path(__file__).with_suffix(".csv")
MEASURED = (1, 4, 15)


class Separable(nn.Module):
    """A depthwise and a 1 x 1 convolution, applied `times` times with the same weights, each time
    with a batch norm of its own; with `skip` their input is added, with `between` the depthwise
    convolution has a batch norm as well."""

    def __init__(
        self,
        inputs: int,
        width: int,
        times: int = 1,
        skip: bool = False,
        activation: type[nn.Module] = nn.ReLU,
        between: bool = False,
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, width, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(times))
        self.between = nn.ModuleList(
            nn.BatchNorm2d(inputs) if between else nn.Identity() for _ in range(times)
        )
        self.activation, self.skip = activation(), skip

    def forward(self, images: Tensor) -> Tensor:
        for between, norm in zip(self.between, self.norms, strict=True):
            found: Tensor = norm(self.pointwise(between(self.depthwise(images))))
            found = self.activation(found)
            images = images + found if self.skip else found
        return images


class Recurrent(nn.Module):
    """`convolution`, which others may apply as well, applied `times` times, each time with a batch
    norm of its own."""

    def __init__(self, convolution: nn.Module, width: int, times: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(times))

    def forward(self, images: Tensor) -> Tensor:
        for norm in self.norms:
            images = norm(self.convolution(images)).relu()
        return images


def _first(activation: type[nn.Module] = nn.ReLU, width: int = 6) -> list[nn.Module]:
    return [nn.Conv2d(1, width, 3, bias=False), nn.BatchNorm2d(width), activation()]


def _head(width: int, pool: type[nn.Module] = nn.AdaptiveAvgPool2d) -> list[nn.Module]:
    return [nn.Conv2d(width, 10, 1), pool(1), nn.Flatten()]


def _plain(activation: type[nn.Module] = nn.ReLU, first_pool: bool = True) -> list[nn.Module]:
    def separable(inputs: int, width: int) -> Separable:
        return Separable(inputs, width, activation=activation)

    first = [*_first(activation), *([nn.MaxPool2d(2)] if first_pool else [])]
    early = [separable(6, 9), separable(9, 9), nn.MaxPool2d(2)]
    return [*first, *early, separable(9, 11), separable(11, 12)]


def _shared(
    first: int, early: int, late: int, skip: bool = False, times: int = 3, between: bool = False
) -> list[nn.Module]:
    """The second layer of each resolution is applied `times` times."""

    def two(inputs: int, width: int) -> list[nn.Module]:
        once = Separable(inputs, width, between=between)
        return [once, Separable(width, width, times, skip, between=between)]

    stem = [*_first(width=first), nn.MaxPool2d(2)]
    return [*stem, *two(first, early), nn.MaxPool2d(2), *two(early, late), *_head(late)]


def _one_for_all(width: int, times: int) -> list[nn.Module]:
    """One plain convolution, applied `times` times at each of two resolutions."""
    convolution = nn.Conv2d(width, width, 3, padding=1, bias=False)
    return _at_both(width, [(convolution, times)])


def _separable_for_all(width: int, *times: int) -> list[nn.Module]:
    """Separable convolutions one behind the other, each applied as often as `times` says, and all
    of them at each of two resolutions."""

    def separable() -> nn.Module:
        depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        return nn.Sequential(depthwise, nn.Conv2d(width, width, 1, bias=False))

    return _at_both(width, [(separable(), often) for often in times])


def _at_both(width: int, convolutions: list[tuple[nn.Module, int]]) -> list[nn.Module]:
    """The same convolutions before and behind a pooling, each as often as the number says."""
    early, late = (
        [Recurrent(convolution, width, times) for convolution, times in convolutions]
        for _ in range(2)
    )
    stem = [*_first(width=width), nn.MaxPool2d(2)]
    return [*stem, *early, nn.MaxPool2d(2), *late, *_head(width)]


def _normed() -> list[nn.Module]:
    """A batch norm behind every depthwise convolution as well."""

    def separable(inputs: int, width: int) -> Separable:
        return Separable(inputs, width, between=True)

    early = [separable(6, 9), separable(9, 9), nn.MaxPool2d(2)]
    return [*_first(), nn.MaxPool2d(2), *early, separable(9, 10), separable(10, 11), *_head(11)]


def _three_each() -> list[nn.Module]:
    stem = [*_first(width=7), nn.MaxPool2d(2)]
    middle = [Separable(7, 10), Separable(10, 10), Separable(10, 10), nn.MaxPool2d(2)]
    end = [Separable(10, 14), Separable(14, 14), Separable(14, 14)]
    return [*stem, *middle, *end, *_head(14)]


def _residual() -> list[nn.Module]:
    first = [*_first(), nn.MaxPool2d(2)]
    early = [Separable(6, 10), Separable(10, 10, skip=True), nn.MaxPool2d(2)]
    late = [Separable(10, 10, skip=True), Separable(10, 10, skip=True)]
    return [*first, *early, *late, *_head(10)]


def _global_depthwise() -> list[nn.Module]:
    """A weight for each place of the last map, instead of their mean."""
    first = [*_first(), nn.MaxPool2d(2)]
    early = [Separable(6, 8), Separable(8, 8), nn.MaxPool2d(2)]
    late = [Separable(8, 10), nn.MaxPool2d(2)]
    whole = [nn.Conv2d(10, 10, 3, groups=10, bias=False), nn.BatchNorm2d(10)]
    return [*first, *early, *late, *whole, nn.Flatten(), nn.Linear(10, 10)]


# The names are part of the seeds.
NETS: dict[str, Callable[[], list[nn.Module]]] = {
    "n1k": lambda: [*_plain(), *_head(12)],
    "n1k_full": lambda: [*_plain(first_pool=False), *_head(12)],
    "n1k_silu": lambda: [*_plain(nn.SiLU), *_head(12)],
    "n1k_gmp": lambda: [*_plain(), *_head(12, nn.AdaptiveMaxPool2d)],
    "n1k_dwg": _global_depthwise,
    "n1k_res": _residual,
    "n1k_tied": lambda: _shared(6, 9, 11),
    "n1k_tiedres": lambda: _shared(6, 9, 11, skip=True),
    "n1k_normed": _normed,
    "n1k_tied5": lambda: _shared(6, 9, 10, times=5),
    "n1k_tiednormed": lambda: _shared(6, 8, 10, between=True),
    "n1k_one": lambda: _one_for_all(9, 3),
    "n1k_sepone": lambda: _separable_for_all(17, 3),
    "n1k_septwo": lambda: _separable_for_all(13, 1, 2),
    "n2k": _three_each,
    "n2k_tied": lambda: _shared(8, 13, 17),
    "n2k_sepone": lambda: _separable_for_all(26, 3),
    "n3k_tied": lambda: _shared(11, 18, 22),
}

Job = tuple[str, int]  # net, seed
_data: Split


def _prepare() -> None:
    global _data
    _data = load_split(dataset("mnist"))


def _run(job: Job) -> list[dict[str, object]]:
    name, index = job
    recipe = Recipe(fade=0.0, bn_images=0)
    arithmetic = by_hardware(torch.device("cpu"), recipe.precision)
    seed = seed_of(index, name)
    torch.manual_seed(seed)
    model = nn.Sequential(*NETS[name]())
    params = sum(weight.numel() for weight in model.parameters())
    model = model.to(memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    engine = Eager(model, _data, recipe, seed, arithmetic)
    rows: list[dict[str, object]] = []
    for epoch in range(1, recipe.epochs + 1):
        train_loss, _ = engine.train_epoch()
        if epoch in MEASURED:
            loss, accuracy = engine.measure()
            row = {"net": name, "params": params, "seed": index, "epoch": epoch}
            losses = {"train_loss": round(train_loss, 5), "loss": round(loss, 5)}
            rows.append({**row, **losses, "accuracy": accuracy, "arithmetic": str(arithmetic)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nets", nargs="*", metavar="NET", help=", ".join(NETS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    if unknown := [name for name in options.nets if name not in NETS]:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(NETS)}")
    jobs = [(name, seed) for seed in range(options.seeds) for name in options.nets or NETS]
    measured = pool.train(_run, jobs, ("net", "seed"), OUTPUT, options.workers, _prepare)
    last = measured[measured["epoch"] == max(MEASURED)].drop(columns=["epoch", "arithmetic"])
    print(pd.DataFrame(last).sort_values("loss").to_string(index=False))


if __name__ == "__main__":
    main()
