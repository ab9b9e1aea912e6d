"""Engines: run the training steps of an epoch on a device.

`Eager` is a loop on the host. `OnDevice` keeps everything that a step needs on the device, so no
step waits for the host. `Captured` records such a step once as a CUDA graph and replays it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from torch import Tensor, nn

from nas.data.images import Split
from nas.training.arithmetic import Arithmetic
from nas.training.average import Average
from nas.training.fading import Fading
from nas.training.measuring import Measuring
from nas.training.recipe import Recipe
from nas.training.step import inputs_of, optimizer_of, train_step

# Images are gathered, augmented and normalised in chunks large enough to hide the cost of the
# calls: in images on the host, where a chunk fits a core's cache, and in pixels on other devices.
CHUNK, PIXELS_ON_DEVICE = 1_024, 2**23
WARM_UP = 3  # steps before a capture: libraries choose algorithms and AdamW creates its state


class Engine(ABC):
    """Trains a network epoch by epoch. All engines share image order, augmentation and measuring.

    `data` and `model` are on the device to train on.
    """

    _optimizer: torch.optim.Optimizer
    name = "eager"  # or `CUDA graph`
    fallback = ""  # why CUDA graph capture failed; empty if it did not

    def __init__(
        self, model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
    ) -> None:
        self._model, self._data, self._recipe, self._arithmetic = model, data, recipe, arithmetic
        self._device = data.train.labels.device
        self._batch = min(recipe.batch_size, len(data.train))
        self._steps = len(data.train) // self._batch  # per epoch
        self._fading = Fading(
            recipe.fade, recipe.fade_above, recipe.epochs, self._steps, self._device
        )
        self._strengths = iter(self._fading.strengths)  # one row per epoch
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._average = Average(model) if recipe.average else None
        # The network to measure and keep: the model, or the average of its weights.
        self.network = self._average.network if self._average else model
        self._measuring = Measuring(self.network, data, recipe.bn_images, arithmetic)
        self._prepare()

    @abstractmethod
    def _prepare(self) -> None:
        """Create the optimizer and what else the engine needs before its first epoch."""

    @abstractmethod
    def train_epoch(self) -> tuple[float, float]:
        """Train one epoch: mean loss of its steps, and training accuracy in percent."""

    def measure(self) -> tuple[float, float]:
        """Mean cross-entropy, and accuracy in percent, on the held-out images."""
        return self._measuring()

    def _train_step(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One step on a batch: its mean loss and number of correct images, on the device."""
        smoothing, arithmetic = self._recipe.label_smoothing, self._arithmetic
        return train_step(
            self._model, self._optimizer, inputs, labels, smoothing, arithmetic, self._device
        )

    def _chunks(self, images: int) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch's inputs and labels in a new random order, about `images` at a time.

        Each chunk is whole batches. Images that do not fill a batch are left out of this epoch.
        """
        train, batch = self._data.train, self._batch
        order = torch.randperm(len(train), device=self._device, generator=self._generator)
        strengths = next(self._strengths).repeat_interleave(batch)
        size = max(1, images // batch) * batch
        parts = zip(order[: len(strengths)].split(size), strengths.split(size), strict=True)
        for part, strength in parts:
            inputs = inputs_of(
                train,
                part,
                normalizer=self._data.normalizer,
                recipe=self._recipe,
                strength=strength,
                generator=self._generator,
                arithmetic=self._arithmetic,
            )
            yield inputs, train.labels[part]


def engine_for(
    model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
) -> Engine:
    """The engine for the device that holds `data` and `model`."""
    if data.train.labels.device.type == "cuda":
        return Captured(model, data, recipe, seed, arithmetic)
    return Eager(model, data, recipe, seed, arithmetic)


class Eager(Engine):
    """A loop on the host."""

    def _prepare(self) -> None:
        self._optimizer = optimizer_of(self._model, self._recipe)
        self._rates = iter(self._recipe.learning_rates(self._steps))
        self._averaging_rates = iter(self._recipe.averaging_rates(self._steps))

    def train_epoch(self) -> tuple[float, float]:
        self._model.train()
        # Summed on the device and read once per epoch, because reading waits for the device.
        loss_sum = torch.zeros((), device=self._device)
        correct = torch.zeros((), device=self._device, dtype=torch.long)
        for chunk, chunk_labels in self._chunks(CHUNK):
            batches = zip(chunk.split(self._batch), chunk_labels.split(self._batch), strict=True)
            for inputs, labels in batches:
                for group in self._optimizer.param_groups:
                    group["lr"] = next(self._rates)
                loss, batch_correct = self._train_step(inputs, labels)
                if self._average:
                    self._average.step(next(self._averaging_rates))
                loss_sum += loss
                correct += batch_correct
        accuracy = 100 * correct.item() / (self._steps * self._batch)
        self._fading.after_epoch(accuracy)
        return loss_sum.item() / self._steps, accuracy


class OnDevice(Engine):
    """Training steps that read nothing from the host.

    Batches, learning rates, counters and sums live on the device; the host reads them once per
    epoch.
    """

    def _prepare(self) -> None:
        device, recipe = self._device, self._recipe
        # One row per step: learning rate and averaging rate.
        rates = recipe.learning_rates(self._steps), recipe.averaging_rates(self._steps)
        self._rates = torch.tensor([*zip(*rates, strict=True)], device=device)
        self._step_rates = torch.zeros(1, 2, device=device)
        self._optimizer = optimizer_of(self._model, recipe, self._step_rates[0, 0])
        image = self._data.train.store.shape[1:]
        self._chunk_images = PIXELS_ON_DEVICE // image.numel()  # images
        # (batches of a chunk, batch size, C, H, W)
        shape = (min(self._steps, max(1, self._chunk_images // self._batch)), self._batch, *image)
        self._inputs = torch.zeros(shape, device=device)
        self._labels = torch.zeros(shape[:2], dtype=torch.long, device=device)
        self._counts = torch.zeros(2, dtype=torch.long, device=device)
        self._step, self._place = self._counts.split(1)  # steps in total, and in this chunk
        self._loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.long, device=device)

    def train_epoch(self) -> tuple[float, float]:
        self._model.train()
        for total in (self._loss, self._correct):
            total.zero_()
        for inputs, labels in self._chunks(self._chunk_images):
            count = len(labels) // self._batch
            self._inputs[:count] = inputs.view(count, *self._inputs.shape[1:])
            self._labels[:count] = labels.view(count, self._batch)
            self._place.zero_()
            for _ in range(count):
                self._advance()
        accuracy = 100 * self._correct.item() / (self._steps * self._batch)
        self._fading.after_epoch(accuracy)
        return self._loss.item() / self._steps, accuracy

    def _advance(self) -> None:
        self._one_step()

    def _one_step(self) -> None:
        torch.index_select(self._rates, 0, self._step, out=self._step_rates)
        inputs = self._inputs.index_select(0, self._place).squeeze(0)
        labels = self._labels.index_select(0, self._place).squeeze(0)
        loss, correct = self._train_step(self._arithmetic.arrange(inputs), labels)
        if self._average:
            self._average.step(self._step_rates[0, 1])
        self._loss += loss
        self._correct += correct
        self._counts += 1

    def _warm_up(self) -> None:
        """Run some steps on black images, then restore everything that they changed.

        AdamW's state, which the first step creates, keeps its memory and is zeroed.
        """
        networks = {id(network): network for network in (self._model, self.network)}.values()
        tensors = [value for network in networks for value in network.state_dict().values()]
        before = [tensor.detach().clone() for tensor in tensors]
        host, device = torch.get_rng_state(), self._device_rng()
        self._model.train()
        try:
            for _ in range(WARM_UP):
                self._counts.zero_()
                self._one_step()
        finally:
            with torch.no_grad():
                for tensor, value in zip(tensors, before, strict=True):
                    tensor.copy_(value)
            for state in self._optimizer.state.values():
                for value in state.values():
                    value.zero_()
            self._optimizer.zero_grad(set_to_none=True)
            for count in (self._counts, self._loss, self._correct):
                count.zero_()
            torch.set_rng_state(host)
            if device is not None:
                torch.cuda.set_rng_state(device, self._device)

    def _device_rng(self) -> Tensor | None:
        """State of the device's default generator, which dropout uses; None on a CPU."""
        return torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None


_CAPTURE_LOCK = Lock()  # a CUDA graph capture sees the work of other threads


class Captured(OnDevice):
    """`OnDevice` on CUDA, with one graph for a training step and one for the evaluation.

    Follows "whole-network capture" in torch's notes on CUDA graphs. A step that cannot be captured
    runs eagerly, and `fallback` says why. The first `measure` is eager and serves as the warm-up
    for the graph that later calls replay.
    """

    def _prepare(self) -> None:
        super()._prepare()
        self.name = "CUDA graph"
        self._measured = False
        self._evaluation: torch.cuda.CUDAGraph | None = None
        self._totals: tuple[Tensor, Tensor] | None = None
        with torch.cuda.device(self._device):
            self._capture_stream = torch.cuda.Stream()
            with self._on_capture_stream():
                self._warm_up()
        self._model.train()
        self._training = self._try_capture(self._one_step)

    def _advance(self) -> None:
        if self._training is None:
            self._one_step()
        else:
            self._training.replay()

    def measure(self) -> tuple[float, float]:
        if self._training is None:
            return super().measure()
        if not self._measured:
            self._measured = True
            with torch.cuda.device(self._device), self._on_capture_stream():
                return super().measure()
        if self._evaluation is None:
            self._evaluation = self._try_capture(self._store_totals)
        if self._evaluation is None or self._totals is None:
            return super().measure()
        self._evaluation.replay()
        loss, correct = self._totals
        count = len(self._data.held_out)
        return loss.item() / count, 100 * correct.item() / count

    def _store_totals(self) -> None:
        self._totals = self._measuring.totals()

    def _try_capture(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
        """A graph that does `work`, or None, with the reason in `fallback`, if that fails."""
        with _CAPTURE_LOCK, torch.cuda.device(self._device):
            before = torch.cuda.current_stream()
            try:
                return self._capture(work)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                first = error.__context__ or error  # ending a failed capture raises too
                self.name, self.fallback = "eager", str(first).strip().partition("\n")[0]
            torch.cuda.set_stream(before)
            # Torch's default generator, which dropout uses, is still registered with the failed
            # capture and refuses to draw. Any capture that succeeds clears that.
            self._capture(self._loss.zero_)
        return None

    def _capture(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(
            graph, stream=self._capture_stream, capture_error_mode="thread_local"
        ):
            work()
        return graph

    @contextmanager
    def _on_capture_stream(self) -> Iterator[None]:
        """Context manager: runs its body on the capture stream, in order with the current one."""
        self._capture_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._capture_stream):
            yield
        torch.cuda.current_stream().wait_stream(self._capture_stream)
