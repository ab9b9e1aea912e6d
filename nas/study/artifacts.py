"""Where the files of trained candidates are: `trials/` in the study's folder, or `--artifacts`.

`ArtifactStore` is an artifact store as Optuna and its dashboard expect one. A file is called
`<trial>/model.py` there. Its artifact id is that name in hexadecimal, because the dashboard serves
only ids made of hexadecimal digits and hyphens. Other ids are of files uploaded in the dashboard,
which are kept under their id.
"""

import io
import json
import mimetypes
import re
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import optuna
from optuna.artifacts import ArtifactMeta, Boto3ArtifactStore, FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound

from nas.errors import ConfigError, StudyError
from nas.files import write_whole
from nas.storage.adapter import set_trial_attribute

BUCKET = "s3://"
MARK = "nas-study"  # file with the identity of the study that a place belongs to
ATTACHED = "artifacts:"  # prefix of a trial's system attributes that describe its artifacts
_NAME = re.compile(r"\d+/[\w.]+")


class ArtifactStore:
    """The files of one study's candidates in `place`, a folder or s3://BUCKET/FOLDER."""

    def __init__(self, place: str) -> None:
        self._folder = None if place.startswith(BUCKET) else Path(place)
        self._prefix = ""
        self._backend: FileSystemArtifactStore | Boto3ArtifactStore
        if self._folder:
            self._backend = FileSystemArtifactStore(self._folder)
            return
        bucket, _, prefix = place.removeprefix(BUCKET).partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        try:
            self._backend = Boto3ArtifactStore(bucket)
        except ImportError:
            raise ConfigError(
                f"--artifacts {place}: boto3 is not installed: pip install boto3"
            ) from None

    def open_reader(self, artifact_id: str) -> BinaryIO:
        return self._backend.open_reader(self._prefix + _name(artifact_id))

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        self.save(_name(artifact_id), content_body.read())

    def remove(self, artifact_id: str) -> None:
        self._backend.remove(self._prefix + _name(artifact_id))

    def save(self, name: str, content: bytes) -> None:
        """Write the file `name`, so that it is there whole or not at all."""
        if self._folder:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        else:
            self._backend.write(self._prefix + name, io.BytesIO(content))

    def read(self, name: str) -> bytes | None:
        """The content of the file `name`; None if there is no such file."""
        try:
            with self._backend.open_reader(self._prefix + name) as file:
                return file.read()
        except ArtifactNotFound:
            return None


def _name(artifact_id: str) -> str:
    try:
        name = bytes.fromhex(artifact_id).decode()
    except ValueError:
        return artifact_id
    # The dashboard removes whatever id it is asked to: only names of candidates' files are decoded.
    return name if _NAME.fullmatch(name) else artifact_id


def attach(trial: optuna.Trial, name: str) -> None:
    """Record in an open trial that the file `name` belongs to it, for the dashboard to list."""
    filename = name.rpartition("/")[2]
    mimetype, encoding = mimetypes.guess_type(filename)
    mimetype = mimetype or "application/octet-stream"
    meta = ArtifactMeta(name.encode().hex(), filename, mimetype, encoding)
    key = f"{ATTACHED}{meta.artifact_id}"
    set_trial_attribute(trial, key, json.dumps(asdict(meta)))


def check(place: str) -> None:
    """Raise `ConfigError` if `place` is neither a folder nor an S3 bucket."""
    scheme, separator, bucket = place.partition("://")
    if separator and (scheme != "s3" or not bucket):
        raise ConfigError(f"--artifacts {place}: it is a folder, or s3://BUCKET")


def claim(place: str, identity: str) -> str:
    """Mark a part of `place` as that of the study with this identity; returns that part."""
    own = _part(place, identity)
    mark(own, identity)
    return own


def mark(place: str, identity: str) -> None:
    """Mark `place` as that of the study with this identity."""
    try:
        ArtifactStore(place).save(MARK, identity.encode())
    except Exception as error:
        _explain(place, error, "written")
        raise


def find(place: str, identity: str) -> str | None:
    """The part of `place`, or `place` itself, that is marked as the study's; None if neither is."""
    for candidate in (_part(place, identity), place):
        try:
            if ArtifactStore(candidate).read(MARK) == identity.encode():
                return candidate
        except Exception as error:
            _explain(place, error, "read")
            raise
    return None


def _part(place: str, identity: str) -> str:
    return place if place.endswith(f"/{identity}") else f"{place.rstrip('/')}/{identity}"


def _explain(place: str, error: Exception, what: str) -> None:
    """Raise a `StudyError` if `error` is one of a file system or of S3."""
    if isinstance(error, OSError) or type(error).__module__.startswith("botocore"):
        raise StudyError(f"--artifacts {place} cannot be {what}: {error}") from error
