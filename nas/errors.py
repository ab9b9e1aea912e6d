"""What a user can be told in one line.

    NasError
    ├── ConfigError          a setting: a flag or a line of study.toml
    ├── ArchitectureError    a stack of layers that cannot exist
    ├── SpaceError           a search space that cannot be loaded or used
    ├── DataError            a data set that is missing or damaged
    ├── DeviceError          a device that is not there
    ├── StudyError           a study's folder or database
    └── ExportError          an export that cannot be made, or that fails its proof

Each message names the value, the rule and the way out. The command line prints it without a
traceback and exits with status 2. Any other exception is a bug of ours and keeps its traceback.
"""

from collections.abc import Iterable


class NasError(Exception):
    """A mistake that the user can mend."""


class ConfigError(NasError):
    """A setting that cannot be used."""


class ArchitectureError(NasError):
    """A stack of layers that cannot exist."""


class SpaceError(NasError):
    """A search space that cannot be loaded, or that returns something else than it should."""


class DataError(NasError):
    """A data set that is missing or damaged."""


class DeviceError(NasError):
    """A device that is not there."""


class StudyError(NasError):
    """A study that cannot be created, opened or resumed."""


class ExportError(NasError):
    """An export that cannot be made, or that fails its proof."""


def unknown(what: str, value: str, known: Iterable[str]) -> str:
    """The message for a name that is not in a catalogue; it lists the known ones."""
    return f"unknown {what} {value!r}: known are {', '.join(known)}"
