"""The user's own arrays: reading, description, and errors in one line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bars
import numpy as np
import pytest
import torch

from nas.data import arrays, check, dataset, ensure
from nas.data.images import load_split, load_test, load_training
from nas.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bars.write(tmp_path / "bars")


def test_it_is_described_from_its_training_images(folder: Path) -> None:
    found = dataset(str(folder))
    assert (found.name, found.train_images, found.held_out) == ("bars", 480, 80)
    assert (found.classes, found.input_shape) == (3, (3, bars.HEIGHT, bars.WIDTH))
    assert found.batch_size == 16, "small sets have small batches"
    assert found.test_images is None


@pytest.mark.parametrize(("count", "batch"), [(3_999, 16), (4_000, 32), (10_000, 64)])
def test_the_batch_size_goes_with_the_number_of_images(
    tmp_path: Path, count: int, batch: int
) -> None:
    np.save(tmp_path / "x_train.npy", np.zeros((count, 2, 2), np.uint8))
    np.save(tmp_path / "y_train.npy", np.arange(count) % 2)
    assert arrays.describe(tmp_path).batch_size == batch


def test_its_images_and_labels_are_the_arrays_own(folder: Path) -> None:
    found = dataset(str(folder))
    for part, images in (("train", load_training(found)), ("test", load_test(found))):
        saved = np.load(folder / f"x_{part}.npy")
        assert torch.equal(images.pixels, torch.from_numpy(saved.transpose(0, 3, 1, 2).copy()))
        assert images.labels.tolist() == np.load(folder / f"y_{part}.npy").tolist()
    parts = load_split(found)
    assert parts.train.store.data_ptr() == parts.held_out.store.data_ptr(), "no copy a part"


def test_grey_images_have_one_channel_and_labels_may_be_a_column(tmp_path: Path) -> None:
    """As many libraries store them."""
    np.save(tmp_path / "x_train.npy", np.arange(12 * 4 * 5, dtype=np.uint8).reshape(12, 4, 5))
    np.save(tmp_path / "y_train.npy", np.arange(12)[:, None] % 2)
    found = arrays.describe(tmp_path)
    assert found.input_shape == (1, 4, 5)
    images = load_training(found)
    assert images.pixels[1, 0].flatten().tolist() == list(range(20, 40))
    assert images.labels.tolist() == [0, 1] * 6


def test_a_search_opens_no_test_file_of_it(folder: Path) -> None:
    """Observed with an audit hook, which sees every file that is opened."""
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, a: event == 'open' and opened.append(str(a[0])))\n"
        "from nas.data.images import load_split\n"
        "from nas.study.config import StudyConfig\n"
        f"config = StudyConfig(dataset={str(folder)!r}).located(None)\n"
        "config.task; load_split(config.data)\n"
        "assert any('x_train' in name for name in opened), opened\n"
        "sys.exit(any(name.endswith('_test.npy') for name in opened))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _save(name: str, values: object) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, np.asarray(values))


def _twist(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, np.asarray(change(np.load(folder / name))))


BROKEN = [
    (lambda f: (f / "x_train.npy").unlink(), "cannot be read (No such file or directory)"),
    (lambda f: (f / "y_train.npy").unlink(), "y_train.npy cannot be read"),
    (lambda f: (f / "x_train.npy").write_bytes(b"no array"), "is no array of numbers"),
    (lambda f: (f / "x_train.npy").write_bytes(b""), "is no array of numbers"),
    (_save("x_train.npy", [object()]), "is no array of numbers"),
    (_twist("x_train.npy", lambda x: x / 255), "pixels of type float64: save them as uint8"),
    (_twist("x_train.npy", lambda x: x.reshape(480, -1)), "the shape 480 x 1188"),
    (_twist("x_train.npy", lambda x: x[:0]), "the shape 0 x 18 x 22 x 3"),
    (_twist("x_train.npy", lambda x: x.transpose(0, 3, 1, 2)), "channels come last"),
    (_twist("y_train.npy", lambda y: y[1:]), "479 values of type uint8"),
    (_twist("y_train.npy", lambda y: y.astype(float)), "480 values of type float64"),
    (_twist("y_train.npy", lambda y: y.astype(int) - 1), "a whole number from 0"),
    (_twist("y_train.npy", lambda y: y.astype(int) * 10**12), "a whole number from 0"),
    (_twist("y_train.npy", lambda y: y + 1), "has 0 images of class 0"),
    (_twist("y_train.npy", lambda y: y * 0), "there must be at least two classes"),
    (_twist("y_train.npy", lambda y: np.r_[y[:-1], [3]]), "has 1 images of class 3"),
]


@pytest.mark.parametrize(("spoil", "message"), BROKEN)
def test_what_is_wrong_with_it_is_one_line(
    folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(folder)
    with pytest.raises(DataError) as error:
        dataset(str(folder))
    assert message in str(error.value)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "x_test.npy").unlink(), "x_test.npy cannot be read"),
        (_twist("x_test.npy", lambda x: x[:, 1:]), "has images of 3 x 17 x 22"),
        (_twist("x_test.npy", lambda x: x[..., 0]), "has images of 1 x 18 x 22"),
        (_twist("y_test.npy", lambda y: y + 1), "has an image of class 3"),
    ],
)
def test_test_images_are_looked_at_when_they_are_asked_for(
    folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(folder)
    ensure(dataset(str(folder)))
    with pytest.raises(DataError) as error:
        ensure(dataset(str(folder)), test=True)
    assert message in str(error.value)


def test_several_arrays_in_a_file_are_refused(folder: Path) -> None:
    np.savez(folder / "both.npz", a=[1], b=[2])
    (folder / "both.npz").rename(folder / "x_train.npy")
    with pytest.raises(DataError, match="holds several arrays"):
        dataset(str(folder))


def test_a_checksum_tells_any_other_pixel_or_label(folder: Path) -> None:
    seen = {arrays.checksum(folder)}
    assert seen == {arrays.checksum(folder)}
    for name in ("x_train.npy", "y_train.npy"):
        array = np.load(folder / name)
        array[-1] = (array[-1] + 1) % 3
        np.save(folder / name, array)
        seen.add(arrays.checksum(folder))
    images = np.load(folder / "x_train.npy")
    np.save(folder / "x_train.npy", images.reshape(480, bars.WIDTH, bars.HEIGHT, 3))
    assert len({*seen, arrays.checksum(folder)}) == 4


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    said = tmp_path / "said" / "bars"
    given, other = tmp_path / "given", tmp_path / "other"
    assert arrays.find(said, given, [other]) == said, "so that the error names it"
    for root in (other, said.parent, given):
        bars.write(root / "bars")
        assert arrays.find(said, given, [other]) == root / "bars"
    assert arrays.find(said, None, [other]) == said


def test_a_name_is_no_folder_and_says_what_one_looks_like() -> None:
    with pytest.raises(ConfigError, match="or a folder, as "):
        check("bars")
    with pytest.raises(ConfigError):
        check("./bars\0")
