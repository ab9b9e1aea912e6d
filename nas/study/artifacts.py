"""Where the files of trained candidates go that all machines of a study can reach."""

import io
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import optuna
from optuna.artifacts import FileSystemArtifactStore, download_artifact, get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import FrozenTrial

from nas.errors import ConfigError, StudyError

if TYPE_CHECKING:
    from optuna.artifacts._protocol import ArtifactStore

MARK = "nas-study"  # the artifact that says that a store is a study's


def check(place: str) -> None:
    """Raise `ConfigError` if `place` is neither a folder nor a bucket."""
    scheme, _, rest = place.partition("://")
    if not rest:
        return
    if scheme != "s3" or "/" in rest.strip("/"):
        raise ConfigError(f"--artifacts {place}: it is a folder, or s3://BUCKET")


def store(place: str | Path) -> "ArtifactStore":
    """The store at `place`: a folder, made if it is not there, or an S3 bucket, `s3://name`."""
    if not str(place).startswith("s3://"):
        Path(place).mkdir(parents=True, exist_ok=True)
        return FileSystemArtifactStore(place)
    from optuna.artifacts import Boto3ArtifactStore

    try:
        return Boto3ArtifactStore(urlsplit(str(place)).netloc)
    except ImportError:
        raise ConfigError(
            f"--artifacts {place}: boto3 is not installed: pip install boto3"
        ) from None


def mark(place: str | Path, study: str) -> None:
    """Write into the store that it is that of `study`, the identity that the study has."""
    try:
        store(place).write(f"{MARK}-{study}", io.BytesIO(study.encode()))
    except Exception as error:
        _explain(place, error, "written")
        raise


def reachable(place: str | Path, study: str) -> bool:
    """Whether this machine has the store of `study` at `place`, and not another of that name."""
    if not str(place).startswith("s3://") and not Path(place).is_dir():
        return False
    try:
        with store(place).open_reader(f"{MARK}-{study}") as found:
            return found.read() == study.encode()
    except ArtifactNotFound:
        return False
    except Exception as error:
        _explain(place, error, "read")
        raise


def fetch(study: optuna.Study, trial: FrozenTrial, name: str, place: str | Path, to: Path) -> bool:
    """Write the file `name` that was attached to `trial` to the path `to`; False if there is none.

    A file that is there is kept.
    """
    if to.is_file():
        return True
    attached = get_all_artifact_meta(trial, storage=study._storage)
    meta = next((meta for meta in attached if meta.filename == name), None)
    if meta is None:
        return False
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".{to.name}.part")
    try:
        download_artifact(
            artifact_store=store(place), file_path=str(aside), artifact_id=meta.artifact_id
        )
        aside.replace(to)
    except ArtifactNotFound:
        return False
    finally:
        aside.unlink(missing_ok=True)
    return True


def _explain(place: str | Path, error: Exception, what: str) -> None:
    """Raise a `StudyError` if `error` is one of a file system or of S3."""
    if isinstance(error, OSError) or type(error).__module__.startswith("botocore"):
        raise StudyError(f"--artifacts {place} cannot be {what}: {error}") from error
