"""A trained candidate of a study as exporters need it."""

import torch
from torch import Tensor

from nas.data.images import Images, Split
from nas.export.subject import Subject
from nas.records import Record
from nas.results.view import StudyView
from nas.study.config import StudyConfig

CALIBRATION = 512  # training images from which int8 ranges are taken


def subject(view: StudyView, record: Record, config: StudyConfig, data: Split) -> Subject:
    """The candidate of `record` as an exporter needs it.

    `config` is the study's, with its data set located; `data` is that data set. Raises `StudyError`
    if the weights are lost.
    """
    verified = view.verified.get(record.number)
    assert record.accuracy is not None, "it is trained"
    assert record.seed is not None, "it is trained"
    return Subject(
        title=f"Trial {record.number} of study {view.folder.name}",
        architecture=record.architecture,
        weights=view.weights(record),
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
    """The pixels of `count` images, evenly spaced because the set may be sorted by class."""
    count = min(count, len(images))
    return images.take(torch.arange(count) * len(images) // count)
