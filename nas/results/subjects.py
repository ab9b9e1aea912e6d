"""A trained candidate of a study as its exporters need it."""

import torch
from torch import Tensor

from nas.data.images import Images, Split
from nas.export.subject import Subject
from nas.records import Record
from nas.results.opened import Opened
from nas.study.config import StudyConfig

CALIBRATION = 512  # training images that the ranges of int8 are taken from


def subject(opened: Opened, record: Record, config: StudyConfig, data: Split) -> Subject:
    """What an exporter is told of `record`.

    `config` is the study's with its data set located, which is `data`. Raises `StudyError` if its
    weights are lost.
    """
    verified = opened.verified.get(record.number)
    assert record.accuracy is not None, "it is trained"
    assert record.seed is not None, "it is trained"
    return Subject(
        title=f"Trial {record.number} of study {opened.folder.name}",
        architecture=record.architecture,
        weights=opened.weights(record),
        dataset=config.data,
        mean=data.normalizer.mean,
        std=data.normalizer.std,
        recipe=config.recipe,
        seed=record.seed,
        budget=config.budget,
        accuracy=record.accuracy,
        calibration=data.normalizer(_spread(data.train, CALIBRATION).float() / 255),
        verified=f"Verified: {verified.sentence()}." if verified else "",
    )


def _spread(images: Images, count: int) -> Tensor:
    """The pixels of `count` images from all over the set, which may be sorted by class."""
    count = min(count, len(images))
    return images.take(torch.arange(count) * len(images) // count)
