"""Finding and reading data sets, and the errors if that fails."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from idx import write_mnist

from nas.data import DATASETS, dataset, ensure, files
from nas.data.dataset import Dataset
from nas.data.images import Images, load_split, load_test, load_training, split
from nas.data.torchvision_files import IMAGES_HEADER, TorchvisionFiles
from nas.errors import ConfigError, DataError


def files_of(dataset: Dataset, root: Path, train: bool = True) -> list[tuple[Path, int]]:
    """The files of a torchvision data set, with their sizes."""
    assert isinstance(dataset.source, TorchvisionFiles)
    return dataset.source.files(dataset, root, train)


def test_an_unknown_data_set_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown data set 'cifar': known are digits, mnist"):
        dataset("cifar")


def test_the_embedded_digits_are_split_into_disjoint_images() -> None:
    digits = dataset("digits")
    train, test = load_training(digits), load_test(digits)
    assert (len(train), len(test)) == (digits.train_images, digits.test_images)
    assert train.pixels.shape == (1_497, 1, 28, 28)
    assert train.pixels.dtype == torch.uint8
    assert train.pixels.max() == 255
    seen = {image.numpy().tobytes() for image in train.pixels}
    assert not any(image.numpy().tobytes() in seen for image in test.pixels)


def test_the_real_mnist_is_read_as_torchvision_reads_it(mnist_dir: Path) -> None:
    from torchvision.datasets import MNIST

    for train, load in ((True, load_training), (False, load_test)):
        theirs = MNIST(mnist_dir, train=train)
        ours = load(dataset("mnist"), mnist_dir)
        assert torch.equal(ours.pixels[:, 0], theirs.data)
        assert torch.equal(ours.labels, theirs.targets)


def test_emnist_is_turned_upright(tmp_path: Path) -> None:
    """Its files hold the images transposed."""
    emnist = dataset("emnist-digits")
    folder = tmp_path / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    (images, size), (labels, count) = files_of(emnist, tmp_path)
    header = bytes(IMAGES_HEADER)
    stored = np.zeros((28, 28), dtype=np.uint8)
    stored[3, 20] = 200
    with images.open("wb") as file:  # sparse: the rest takes no disk space
        file.write(header + stored.tobytes())
        file.truncate(size)
    with labels.open("wb") as file:
        file.truncate(count)
    pixels, _ = emnist.source.read(emnist, tmp_path, train=True)
    assert pixels[0, 20, 3] == 200


@pytest.mark.usefixtures("workplace")
def test_the_order_of_search_is_argument_variable_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mnist = dataset("mnist")
    monkeypatch.setenv("NAS_DATA_DIR", str(tmp_path / "variable"))
    places = [tmp_path / "argument", tmp_path / "variable", files.cache_dir()]
    assert files.search_path(places[0]) == places
    for place in reversed(places):
        write_mnist(place)
        assert files.locate(mnist, places[0]) == place


def test_a_truncated_file_is_named_with_its_size(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    images = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    with images.open("r+b") as file:
        file.truncate(1_000)
    for read in (ensure, load_training):
        with pytest.raises(DataError) as error:
            read(dataset("mnist"), tmp_path)  # type: ignore[operator]
        assert str(images) in str(error.value)
        assert "has 1,000 bytes and should have 47,040,016" in str(error.value)


@pytest.mark.usefixtures("workplace")
def test_missing_data_without_a_network_says_where_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.error import URLError

    import torchvision

    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.delenv("NAS_DATA_DIR", raising=False)
    monkeypatch.setattr(torchvision.datasets, "MNIST", offline)
    with pytest.raises(DataError) as error:
        ensure(dataset("mnist"), tmp_path / "mine")
    message = str(error.value)
    assert "\n" not in message
    for part in ("mine", "MNIST/raw/train-images-idx3-ubyte", "--dataset digits", "no network"):
        assert part in message


def test_the_split_is_stratified_fixed_and_disjoint() -> None:
    images = load_training(dataset("digits"))
    number = torch.arange(len(images))
    pixels = torch.stack(
        [number // 256, number % 256], dim=1
    ).byte()  # each image encodes its number
    parts, again = (split(Images(pixels, images.labels), 249) for _ in range(2))
    assert torch.equal(parts.held_out.pixels, again.held_out.pixels)
    both = torch.cat([parts.train.pixels, parts.held_out.pixels]).long()
    assert torch.equal((both[:, 0] * 256 + both[:, 1]).sort().values, number)
    share = torch.bincount(images.labels) * 249 / len(images)
    assert (torch.bincount(parts.held_out.labels) - share).abs().max() <= 1


def test_the_parts_of_a_split_are_rows_of_the_file_in_memory(mnist_dir: Path) -> None:
    mnist = dataset("mnist")
    whole, parts = load_training(mnist, mnist_dir), load_split(mnist, mnist_dir)
    assert parts.train.store.data_ptr() == parts.held_out.store.data_ptr(), "no copy a part"
    assert parts.train.rows is not None
    chosen = torch.tensor([5, 0, 49_999])
    assert torch.equal(parts.train.take(chosen), whole.pixels[parts.train.rows[chosen]])
    assert torch.equal(parts.train.labels[chosen], whole.labels[parts.train.rows[chosen]])
    assert torch.equal(parts.held_out.take(slice(3)), parts.held_out.pixels[:3])
    maps = Path("/proc/self/maps")
    if maps.exists():
        path, _ = files_of(mnist, mnist_dir)[0]
        assert path.name in maps.read_text(), "the pages are the file's own"


def test_writing_into_the_pixels_leaves_the_file_alone(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    images = load_training(dataset("mnist"), tmp_path)
    before = images.pixels.clone()
    images.store.fill_(7)
    assert torch.equal(load_training(dataset("mnist"), tmp_path).pixels, before)


def test_a_search_opens_no_test_file(tmp_path: Path) -> None:
    """Observed with an audit hook, which sees every file that is opened."""
    write_mnist(tmp_path)
    for path, _ in files_of(dataset("mnist"), tmp_path, train=False):
        path.write_bytes(b"not to be read")
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, a: event == 'open' and opened.append(str(a[0])))\n"
        "from pathlib import Path\n"
        "from nas.data import dataset, ensure\n"
        "from nas.data.images import load_split\n"
        f"root = Path({str(tmp_path)!r})\n"
        "ensure(dataset('mnist'), root); load_split(dataset('mnist'), root)\n"
        "assert any('train-images' in name for name in opened), opened\n"
        "sys.exit(any('t10k' in name for name in opened))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_how_many_images_are_held_out() -> None:
    assert {name: d.held_out for name, d in DATASETS.items()} == {
        "digits": 249,
        "mnist": 10_000,
        "fashion-mnist": 10_000,
        "kmnist": 10_000,
        "emnist-digits": 10_000,
    }


def test_the_normalizer_knows_mean_and_deviation_of_the_training_images() -> None:
    data = load_split(dataset("digits"))
    pixels = data.train.pixels.double() / 255
    assert data.normalizer.mean == pytest.approx(pixels.mean().item(), abs=1e-9)
    assert data.normalizer.std == pytest.approx(pixels.std(correction=0).item(), abs=1e-9)


def test_the_published_mean_of_mnist(mnist_dir: Path) -> None:
    """0.1307 and 0.3081 are for all 60,000 images; ours are for 50,000."""
    normalizer = load_split(dataset("mnist"), mnist_dir).normalizer
    assert normalizer.mean == pytest.approx(0.1307, abs=3e-4)
    assert normalizer.std == pytest.approx(0.3081, abs=3e-4)
