"""Settings: dataclass fields with a range, help text, flag and scope.

A setting is defined once, as a field created by `setting`. Its validation, flag, line in
study.toml, behaviour on resume and entry in docs/settings.md follow from that.
"""

from collections.abc import Callable, Collection
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from typing import Any, get_args

from nas.errors import ConfigError, unknown


class Scope(StrEnum):
    """Where a setting applies, and when it may change."""

    STUDY = "study"  # defines the study; never changes
    RUN = "run"  # shared by all machines; each search may change it
    MACHINE = "machine"  # each machine has its own


@dataclass(frozen=True, slots=True)
class About:
    """The definition of a setting, except its name, type and default."""

    help: str
    minimum: float | None
    maximum: float | None
    below: float | None  # exclusive upper bound
    choices: Collection[str]
    check: Callable[[Any], None] | None  # raises a `NasError`
    scope: Scope
    flag: str  # its panel in `nas search --help`; empty if it has no flag
    default: str  # the default as shown in help texts


def setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
    choices: Collection[str] = (),
    check: Callable[[Any], None] | None = None,
    scope: Scope = Scope.STUDY,
    flag: str = "",
    default_text: str = "",
) -> Any:
    """Define a setting. With the default None, None is a valid value."""
    text = default_text or ("none" if default is None else str(default))
    about = About(help, minimum, maximum, below, choices, check, scope, flag, text)
    return field(default=default, metadata={"about": about})


def about(one: "Field[Any]") -> About:
    """The definition of the setting `one`."""
    found: About = one.metadata["about"]
    return found


def settings_of(kind: Any) -> dict[str, "Field[Any]"]:
    """The settings of a dataclass, by name."""
    return {one.name: one for one in fields(kind) if "about" in one.metadata}


def kind_of(one: "Field[Any]") -> type:
    """`int`, `float` or `str`."""
    kinds = [kind for kind in get_args(one.type) if kind is not type(None)] or [one.type]
    found: type[Any] = kinds[0]
    return found


def check(settings: object) -> None:
    """Raise `ConfigError` for the first setting with an invalid value."""
    for name, one in settings_of(settings).items():
        value, this = getattr(settings, name), about(one)
        if value is None and one.default is None:
            continue
        if this.choices and isinstance(value, str) and value not in this.choices:
            raise ConfigError(unknown(name, value, this.choices))
        if not _allowed(value, one):
            raise ConfigError(f"{name} = {value!r}: must be {rule(one)}")
        if this.check:
            this.check(value)


def rule(one: "Field[Any]") -> str:
    """The valid values of a setting, such as `a whole number from 1 to 15`."""
    this, kind = about(one), kind_of(one)
    if this.choices:
        return f"one of {', '.join(this.choices)}"
    text = {int: "a whole number", float: "a number", str: "text"}[kind]
    if this.below is not None:
        return f"{text} from {this.minimum:g} to below {this.below:g}"
    if this.maximum is not None:
        return f"{text} from {this.minimum:g} to {this.maximum:g}"
    return text if this.minimum is None else f"{text}, at least {this.minimum:g}"


def _allowed(value: object, one: "Field[Any]") -> bool:
    this, kind = about(one), kind_of(one)
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        return False
    if isinstance(value, str):
        return bool(value)
    assert isinstance(value, int | float)
    low = -(2**31) if this.minimum is None else this.minimum
    high = 2**31 - 1 if this.maximum is None else this.maximum
    return low <= value <= high and (this.below is None or value < this.below)
