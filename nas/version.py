"""The installed version."""

from importlib.metadata import version

DISTRIBUTION = "pareto-nas"  # on PyPI, where `nas` is another project


def installed_version() -> str:
    """The version of this package, such as `0.1.0`."""
    return version(DISTRIBUTION)
