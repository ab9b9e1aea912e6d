"""What a teacher is worth: small nets that learn from larger ones' outputs beside the labels.

    python benchmarks/distillation.py [--nets NET ...] [--seeds 2] [--temperature 3] [--share 0.7]

The teacher is three networks of `studies/mnist-20k`, designs of 9,560 to 18,142 parameters (for
what distillation.csv has, the same ones as an earlier search had trained them), and costs a pupil's
training nothing: the mean of their logits over eight augmented views of each
training image is computed once. The loss is `1 - share` of the cross-entropy with the label and
`share` of that with the teacher's softened classes, times the square of the temperature (Hinton,
Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015). All else is the default
recipe, as it was before augmentation faded, and the nets are those of `recipe.py`, with SiLU; what
they come to without a teacher is its row `activation: SiLU`, with the same seeds. 50,000 MNIST
images to train on, which are also the teacher's; accuracy on the 10,000 held-out ones after the
15th epoch; no test image is read.

Writes distillation.csv beside this file, a row a run, and prints it against recipe.csv.
"""

import argparse
import json
import tempfile
from pathlib import Path

import pandas as pd
import pool
import recipe as untaught
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from nas.architecture import Architecture, SiLU
from nas.architecture.module import build
from nas.data import dataset
from nas.data.images import Split, load_split
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training import Recipe
from nas.training.average import Average
from nas.training.device import by_hardware
from nas.training.engines import CHUNK
from nas.training.step import evaluate, inputs_of, optimizer_of

OUTPUT = Path(__file__).with_suffix(".csv")
STUDY = Path(__file__).parent.parent / "studies" / "mnist-20k" / "trials"
TEACHERS = (1, 0, 2)  # trials
VIEWS = 8
RECIPE = Recipe(fade=0.0)
STRONG = torch.ones(())  # the augmentation, from the first step to the last
HERE = by_hardware(torch.device("cpu"), RECIPE.precision)

Job = tuple[str, int, float, float]  # net, seed, temperature, share


def taught(data: Split) -> Tensor:
    """The teachers' mean logits (N, classes) for the training images."""
    sums = torch.zeros(len(data.train), 10)
    generator = torch.Generator().manual_seed(0)
    for trial in TEACHERS:
        text = (STUDY / str(trial) / "architecture.json").read_text()
        model = build(Architecture.from_json(json.loads(text)))
        model.load_state_dict(load_file(STUDY / str(trial) / "weights.safetensors"))
        model.eval()
        for _ in range(VIEWS):
            for which in torch.arange(len(data.train)).split(CHUNK):
                with torch.no_grad():
                    sums[which] += model(
                        inputs_of(
                            *(data.train, which, data.normalizer),
                            RECIPE,
                            STRONG,
                            *(generator, HERE),
                        )
                    )
    return sums / (len(TEACHERS) * VIEWS)


def train(job: Job) -> list[dict[str, object]]:
    """One run; its row."""
    name, index, temperature, share = job
    net = untaught.net(name, (SiLU(),))
    seed = seed_of(index, name)
    torch.manual_seed(seed)
    model = build(net).to(memory_format=HERE.memory_format)  # type: ignore[call-overload]
    optimizer, average = optimizer_of(model, RECIPE), Average(model)
    generator = torch.Generator().manual_seed(seed)
    images, size = _data.train, RECIPE.batch_size
    steps = len(images) // size
    rates, shares = iter(RECIPE.learning_rates(steps)), iter(RECIPE.shares(steps))
    soft = F.softmax(_logits / temperature, 1)
    for _ in range(RECIPE.epochs):
        model.train()
        order = torch.randperm(len(images), generator=generator)[: steps * size]
        for chunk in order.split(CHUNK):
            inputs = inputs_of(images, chunk, _data.normalizer, RECIPE, STRONG, generator, HERE)
            for some, which in zip(inputs.split(size), chunk.split(size), strict=True):
                for group in optimizer.param_groups:
                    group["lr"] = next(rates)
                with HERE.context(torch.device("cpu")):
                    logits = model(some)
                logits = logits.float()
                own = F.cross_entropy(logits, images.labels[which])
                teacher = F.cross_entropy(logits / temperature, soft[which]) * temperature**2
                optimizer.zero_grad(set_to_none=True)
                ((1 - share) * own + share * teacher).backward()
                optimizer.step()
                average.step(next(shares))
    loss, accuracy = evaluate(average.network, _data.held_out, _data.normalizer, HERE)
    row: dict[str, object] = {"net": name, "seed": index, "temperature": temperature}
    row |= {"share": share, "params": net.params, "loss": round(loss, 5), "accuracy": accuracy}
    return [row | {"arithmetic": str(HERE)}]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a run, with what the same net and seed has without a teacher."""
    known = pd.read_csv(untaught.OUTPUT)
    known = known[(known.variant == "activation: SiLU") & (known.epoch == RECIPE.epochs)]
    alone = known[["net", "seed", "accuracy", "loss"]]
    both = rows.merge(alone, on=["net", "seed"], suffixes=("", " alone"))
    return both.assign(gain=(both["accuracy"] - both["accuracy alone"]).round(2))


_data: Split
_logits: Tensor


def _prepare(file: Path) -> None:
    global _data, _logits
    _data, _logits = load_split(dataset("mnist")), torch.load(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choices = (*untaught.NETS, *untaught.DESIGNS)
    parser.add_argument("--nets", nargs="+", default=choices, choices=choices)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--temperature", type=float, default=3.0)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    jobs = [
        (net, seed, options.temperature, options.share)
        for seed in range(options.seeds)
        for net in options.nets
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "logits.pt"
        torch.save(taught(load_split(dataset("mnist"))), file)
        columns = ("net", "seed", "temperature", "share")
        rows = pool.train(train, jobs, columns, OUTPUT, options.workers, _prepare, file)
    asked = (rows["temperature"] == options.temperature) & (rows["share"] == options.share)
    shown = table(rows[asked])
    print(shown.to_string(index=False))
    gains = shown["gain"].to_numpy(float)
    error = gains.std(ddof=1) / len(gains) ** 0.5
    print(f"gain {gains.mean():.3f} ± {error:.3f} points (standard error), n = {len(gains)}")


if __name__ == "__main__":
    main()
