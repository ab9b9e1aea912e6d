"""The gate: checks the cost limits before a torch module is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nas.architecture import Architecture, Limits


@dataclass(frozen=True, slots=True)
class Limit:
    """Upper limit on one cost."""

    unit: str
    cost: Callable[[Architecture], int]
    bound: Callable[[Limits], int | None]


LIMITS: dict[str, Limit] = {
    "params": Limit("parameters", lambda a: a.params, lambda limits: limits.params),
    "macs": Limit("MACs", lambda a: a.macs, lambda limits: limits.macs),
    "ram": Limit("bytes of int8 RAM", lambda a: a.ram("int8"), lambda limits: limits.ram),
}


def violations(architecture: Architecture, limits: Limits) -> Mapping[str, float]:
    """cost / limit - 1 for each limit that is set; at most 0 if the candidate meets it."""
    lower = (
        {"min_params": limits.min_params / max(1, architecture.params) - 1}
        if limits.min_params
        else {}
    )
    return lower | {
        name: limit.cost(architecture) / bound - 1
        for name, limit in LIMITS.items()
        if (bound := limit.bound(limits)) is not None
    }


def shortfall(architecture: Architecture, limits: Limits) -> str:
    """Why `architecture` is too small; empty if it is not."""
    if architecture.params >= limits.min_params:
        return ""
    return f"{architecture.params:,} parameters < {limits.min_params:,}"


def excess(architecture: Architecture, limits: Limits) -> str:
    """Which limits `architecture` exceeds; empty if it meets all of them."""
    return ", ".join(
        f"{limit.cost(architecture):,} {limit.unit} > {bound:,}"
        for limit in LIMITS.values()
        if (bound := limit.bound(limits)) is not None and limit.cost(architecture) > bound
    )
