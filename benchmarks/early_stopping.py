"""What early stopping would have cost and kept, replayed on the recorded curves: seconds.

    python benchmarks/early_stopping.py

Needs curves.csv (`benchmarks/curves.py`). Writes beside this file, and prints:

- rank_correlation.csv: Spearman's correlation of the accuracy after an epoch with that after the
  last, over all nets, and as the mean over windows of 20 nets of similar size, which is what a
  comparison among neighbours rests on.
- seed_noise.csv: the standard deviation between the seeds of a net, and beside it the gaps between
  neighbours on the front.
- schedules.csv: what a schedule costs or gains in the end, net by net.
- early_stopping.csv: for every rule the epochs spent, as a share of training everybody to the end,
  and the share of that front's hypervolume that is kept; mean, standard deviation, and median over
  30 random orders of the nets. Nets come one after the other, and each is judged at its rungs by
  what those before it have recorded.
- early_stopping_by_number.csv: the same for the default rule in studies of fewer candidates.

The hypervolume's box runs from 100 to 20,000 parameters and from 90 % (as in a report), or from
97 %, which looks at the front's upper end alone.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np
import pandas as pd
from curves import CURVES, LARGEST, NETS

from nas.pruning.early_stopping import (
    Asha,
    MoAsha,
    NearFront,
    Neighbours,
    NoStopping,
    Rule,
    out_of_reach,
)
from nas.records import Point, Record, State, hypervolume, pareto_front
from nas.training import Epoch

EPOCHS, ORDERS, WINDOW, FEWEST = 15, 30, 20, 40
NUMBERS = (20, 40, 60, 100, 200)  # candidates of a study
LOOKED_AT = (1, 2, 3, 4, 6, 9)
Table = dict[int, np.ndarray]  # by net, accuracies after each epoch


@dataclass(frozen=True, slots=True)
class Setting:
    """A way of stopping early."""

    name: str
    rule: Rule
    rungs: tuple[int, ...] = (1, 4)
    target: float | None = None  # as `--min-accuracy`


def settings() -> list[Setting]:
    """The rules that are compared."""
    found = [Setting("none", NoStopping(), ()), Setting("ASHA, 1/3", Asha())]
    found.append(Setting("MO-ASHA, 1/3", MoAsha()))
    for keep in (1 / 2, 1 / 3, 1 / 4):
        for nearest in (6, 8, 12, 20):
            name = f"neighbours, {keep:.2f} of {nearest}"
            found.append(Setting(name, Neighbours(keep, nearest)))
    for slope in (1.0, 1.5, 2.0, 3.0, inf):
        for factor in (1.0, 1.1, 1.2, 1.5):
            name = f"near front, factor {factor:g}, slope {slope:g}"
            found.append(Setting(name, NearFront(factor, slope)))
    default = "near front, factor 1.2, slope 2"
    for rungs in ((1,), (4,), (2, 4), (1, 3, 6)):
        found.append(Setting("neighbours, 0.33 of 8", Neighbours(), rungs))
        found.append(Setting(default, NearFront(), rungs))
    for target in (90.0, 97.0):
        found.append(Setting(f"{default}, at least {target:g} %", NearFront(), target=target))
    return found


def replay(
    order: Sequence[int], accuracies: Table, params: dict[int, int], setting: Setting
) -> tuple[int, list[int]]:
    """Epochs spent, and the nets that were trained to the end."""
    seen: dict[int, list[Point]] = {rung: [] for rung in setting.rungs}
    ended: dict[int, list[tuple[Point, float]]] = {rung: [] for rung in setting.rungs}
    spent, finished = 0, []
    for net in order:
        end = EPOCHS
        for rung in setting.rungs:
            one = Point(params[net], float(accuracies[net][rung - 1]))
            stopped = setting.rule.stops(one, seen[rung])
            if not stopped and setting.target is not None:
                stopped = out_of_reach(one, ended[rung], setting.target)
            seen[rung].append(one)
            if stopped:
                end = rung
                break
        spent += end
        if end == EPOCHS:
            finished.append(net)
            for rung in setting.rungs:
                one = Point(params[net], float(accuracies[net][rung - 1]))
                ended[rung].append((one, float(accuracies[net][-1])))
    return spent, finished


def top_k(
    order: Sequence[int], accuracies: Table, params: dict[int, int], keep: int
) -> tuple[int, list[int]]:
    """One epoch for everybody; when all have had it, the `keep` most accurate go on."""
    del params
    ranked = sorted(order, key=lambda net: -accuracies[net][0])[:keep]
    return len(order) + keep * (EPOCHS - 1), ranked


def volume(nets: Sequence[int], accuracies: Table, params: dict[int, int], least: float) -> float:
    """The hypervolume of these nets, trained to the end."""
    records = [_record(net, float(accuracies[net][-1]), params[net]) for net in nets]
    return hypervolume(records, LARGEST, least)


def _record(net: int, accuracy: float, params: int) -> Record:
    last = Epoch(EPOCHS, 0.0, 0.0, 0.0, accuracy, 0.0)
    return Record(net, State.TRAINED, params=params, curve=(last,))


def compare(schedule: str, accuracies: Table, params: dict[int, int]) -> pd.DataFrame:
    """A row a rule."""
    nets = sorted(accuracies)
    ways: list[tuple[str, str, Callable[[Sequence[int]], tuple[int, list[int]]]]] = []
    for setting in settings():
        rungs = ", ".join(map(str, setting.rungs)) or "-"
        ways.append(
            (setting.name, rungs, lambda o, s=setting: replay(o, accuracies, params, s))  # type: ignore[misc]
        )
    for share in (0.1, 0.2):
        keep = round(share * len(nets))
        name = f"one epoch, the top {share:.0%}"
        ways.append((name, "1", lambda o, k=keep: top_k(o, accuracies, params, k)))  # type: ignore[misc]
    whole = {least: volume(nets, accuracies, params, least) for least in (90.0, 97.0)}
    orders = [random.Random(seed).sample(nets, len(nets)) for seed in range(ORDERS)]
    rows = []
    for name, rungs, way in ways:
        found = [way(order) for order in orders]
        epochs = [spent / (EPOCHS * len(nets)) for spent, _ in found]
        row: dict[str, object] = {
            "schedule": schedule,
            "rule": name,
            "rungs": rungs,
            "epochs": fmean(epochs),
            "epochs s.d.": stdev(epochs),
        }
        for least, full in whole.items():
            kept = [volume(nets, accuracies, params, least) / full for _, nets in found]
            row |= _spread(least, kept)
        rows.append(row)
    return pd.DataFrame(rows)


def _spread(least: float, kept: Sequence[float]) -> dict[str, float]:
    return {
        f"kept {least:g}, median": median(kept),
        f"kept {least:g}, mean": fmean(kept),
        f"kept {least:g}, s.d.": stdev(kept),
    }


def by_number(schedule: str, accuracies: Table, params: dict[int, int]) -> pd.DataFrame:
    """What the default rule costs and keeps in smaller studies: random subsets of the nets."""
    rows = []
    for number in (n for n in NUMBERS if n <= len(accuracies)):
        row: dict[str, object] = {"schedule": schedule, "candidates": number}
        orders = [random.Random(seed).sample(sorted(accuracies), number) for seed in range(ORDERS)]
        found = [
            replay(order, accuracies, params, Setting("default", NearFront())) for order in orders
        ]
        row["epochs"] = fmean(spent / (EPOCHS * number) for spent, _ in found)
        for least in (90.0, 97.0):
            full = [volume(order, accuracies, params, least) for order in orders]
            kept = [
                volume(nets, accuracies, params, least) / whole
                for whole, (_, nets) in zip(full, found, strict=True)
                if whole
            ]
            row |= _spread(least, kept)
        rows.append(row)
    return pd.DataFrame(rows)


def correlations(schedule: str, accuracies: Table, params: dict[int, int]) -> pd.DataFrame:
    """A row an epoch."""
    table = pd.DataFrame(accuracies, index=range(1, EPOCHS + 1)).T
    table = table.loc[sorted(table.index, key=lambda net: params[net])]
    windows = [table.iloc[i : i + WINDOW] for i in range(0, len(table) - WINDOW + 1, WINDOW // 2)]
    last = {int(str(net)): float(value) for net, value in table[EPOCHS].items()}
    front = pareto_front(_record(net, value, params[net]) for net, value in last.items())
    on_front = table.loc[[record.number for record in front]]
    rows = []
    for epoch in LOOKED_AT:
        rows.append(
            {
                "schedule": schedule,
                "epoch": epoch,
                "all nets": table[epoch].corr(table[EPOCHS], method="spearman"),
                "similar size": fmean(w[epoch].corr(w[EPOCHS], method="spearman") for w in windows),
                "on the front": on_front[epoch].corr(on_front[EPOCHS], method="spearman"),
                "n": len(table),
            }
        )
    return pd.DataFrame(rows)


def noise(curves: pd.DataFrame, params: dict[int, int]) -> pd.DataFrame:
    """Between seeds of one net, in points; beside the gaps between neighbours on the front of the
    first seed."""
    rows = []
    for (schedule, epoch), own in curves.groupby(["schedule", "epoch"]):
        if epoch not in (*LOOKED_AT, EPOCHS):
            continue
        first = own[own["seed"] == 0]
        front = pareto_front(
            _record(int(net), float(value), params[int(net)])
            for net, value in zip(first["net"], first["accuracy"], strict=True)
        )
        steps = pd.Series([record.accuracy or 0.0 for record in front])
        gaps = pd.DataFrame({"above": steps, "gap": steps - steps.shift()}).dropna()
        by_net = own.groupby("net")["accuracy"].agg(["std", "count", "mean"])
        several = by_net[by_net["count"] > 1]
        if several.empty:
            continue
        good = several[several["mean"] > 97]
        rows.append(
            {
                "schedule": schedule,
                "epoch": epoch,
                "nets": len(several),
                "s.d., median": several["std"].median(),
                "s.d. above 97 %, median": good["std"].median(),
                "gap on the front, median": gaps["gap"].median(),
                "gap above 97 %, median": gaps["gap"][gaps["above"] > 97].median(),
            }
        )
    return pd.DataFrame(rows)


def table_of(curves: pd.DataFrame) -> Table:
    """The accuracies of every net that has a whole curve."""
    wide = curves.pivot_table(index="net", columns="epoch", values="accuracy").dropna()
    return dict(zip(map(int, wide.index), wide.to_numpy(), strict=True))


def schedules(tables: dict[str, Table]) -> pd.DataFrame:
    """After the last epoch, in points, net by net: one schedule's accuracy less the other's."""
    rows = []
    for first, second in combinations(tables, 2):
        one, other = tables[first], tables[second]
        pairs = [(one[net][-1], other[net][-1]) for net in one.keys() & other.keys()]
        for least in (0.0, 90.0, 97.0):
            apart = [a - b for a, b in pairs if max(a, b) > least]
            rows.append(
                {
                    "schedule": first,
                    "less": second,
                    "nets above": least,
                    "n": len(apart),
                    "mean": fmean(apart),
                    "median": median(apart),
                    "s.d.": stdev(apart),
                    "better": sum(gap > 0 for gap in apart),
                    "worse": sum(gap < 0 for gap in apart),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    curves = pd.read_csv(CURVES)
    params = {int(n): int(p) for n, p in pd.read_csv(NETS)[["net", "params"]].to_numpy()}
    first = curves[curves["seed"] == 0]
    tables = {str(schedule): table_of(own) for schedule, own in first.groupby("schedule")}
    common = set.intersection(*(set(table) for table in tables.values()))
    compared, ranked, smaller = [], [], []
    for schedule, whole in tables.items():
        subsets = {schedule: whole}
        if FEWEST <= len(common) < len(whole):
            subsets[f"{schedule}, nets of all"] = {net: whole[net] for net in common}
        for name, accuracies in subsets.items():
            if len(accuracies) < FEWEST:
                print(f"{name}: {len(accuracies)} nets are too few to say anything\n")
                continue
            compared.append(compare(name, accuracies, params))
            smaller.append(by_number(name, accuracies, params))
            ranked.append(correlations(name, accuracies, params))
    here = Path(__file__)
    for name, table in (
        ("rank_correlation", pd.concat(ranked)),
        ("seed_noise", noise(curves, params)),
        ("schedules", schedules({n: {k: t[k] for k in common} for n, t in tables.items()})),
        ("early_stopping", pd.concat(compared)),
        ("early_stopping_by_number", pd.concat(smaller)),
    ):
        if table.empty:  # no net has several seeds yet
            continue
        table.round(4).to_csv(here.with_name(f"{name}.csv"), index=False)
        print(table.round(3).to_string(index=False), "\n")


if __name__ == "__main__":
    main()
