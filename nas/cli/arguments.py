"""Arguments shared by several commands."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.setting import about, kind_of
from nas.study.config import SETTINGS

if TYPE_CHECKING:
    from dataclasses import Field


def whole(text: str) -> int:
    """Parse a whole number; the error quotes `text`, which typer's does not."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that replaces a command's `**flags` by one flag per setting.

    `names` defaults to all settings that have a flag. A flag that is not given is None: its value
    comes from the study or a study.toml.
    """
    chosen = names or tuple(name for name, one in SETTINGS.items() if about(one).flag)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for p in signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
        flags = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=_flag(SETTINGS[name]))
            for name in chosen
        ]
        command.__signature__ = Signature([*own, *flags])  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in (*own, *flags)}
        return command

    return decorate


def _flag(one: "Field[Any]") -> Any:
    this, kind = about(one), kind_of(one)
    option = typer.Option(
        help=f"{this.help} Default: {this.default}.",
        show_default=False,
        rich_help_panel=this.flag,
        parser=whole if kind is int else None,
        metavar="N" if kind is int else None,
    )
    return Annotated[kind | None, option]


def option(text: str, *names: str) -> Any:
    """An option with this help text, which says what the default is."""
    return typer.Option(*names, help=text, show_default=False)


def count(text: str, *names: str) -> Any:
    """The same for a whole number."""
    return typer.Option(*names, help=text, show_default=False, parser=whole, metavar="N")


Trial = Annotated[int | None, count("Number of the trial. Default: the most accurate one.")]
DataDir = Annotated[
    Path | None, option("Folder of the data. Default: $NAS_DATA_DIR, or the user's cache.")
]

# Environment variable for a storage URL with its password. Same as `nas.storage.backends.VARIABLE`,
# which cannot be imported here because `nas --help` must not load Optuna.
VARIABLE = "NAS_STORAGE"


def program() -> str:
    """The name of this program: `nas` if that is on PATH, else the path it was started from."""
    started = Path(sys.argv[0])
    found = shutil.which("nas")
    on_path = found is not None and started.exists() and Path(found).samefile(started)
    return "nas" if started.name != "nas" or on_path else str(started)


def again(arguments: Sequence[str]) -> str:
    """The command line with these arguments, to be shown; URLs lose their passwords."""
    from nas.storage.backends import redacted

    shown = [redacted(text) if "://" in text else text for text in arguments]
    return shlex.join([program(), *shown])


Study = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="A study's name under ./studies, or its path. Default: the most recent one.",
        show_default=False,
    ),
]
