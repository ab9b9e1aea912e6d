"""The engines: how the steps of an epoch are run on a device.

`Eager` is the host's own loop. `OnDevice` keeps everything that a step needs on the device, so that
no step waits for the host; `Captured` records such a step once as a CUDA graph and replays it.
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

# So many images at a time are gathered, warped and normalised: enough to make the calls' own cost
# vanish. On the host they stay in a core's cache; a GPU takes as many as have so many pixels.
CHUNK, PIXELS_ON_DEVICE = 1_024, 2**23
WARM_UP = 3  # steps before a capture: libraries choose their algorithms and AdamW makes its state


class Engine(ABC):
    """Trains a network epoch by epoch. What all share: the order of the images, their augmentation,
    and measuring."""

    name = "eager"  # or `CUDA graph`
    fallback = ""  # why it is eager where it was to be a CUDA graph

    def __init__(
        self, model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
    ) -> None:
        self._model, self._data, self._recipe, self._arithmetic = model, data, recipe, arithmetic
        self._device = data.train.labels.device
        self._batch = min(recipe.batch_size, len(data.train))
        self._steps = len(data.train) // self._batch  # an epoch
        self._fading = Fading(
            recipe.fade, recipe.fade_above, recipe.epochs, self._steps, self._device
        )
        self._strengths = iter(self._fading.strengths)  # of an epoch's steps
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._average = Average(model) if recipe.average else None
        # What is measured, and kept in the end: the model, or the average of its weights.
        self.network = self._average.network if self._average else model
        self._measuring = Measuring(self.network, data, recipe.bn_images, arithmetic)

    @abstractmethod
    def train_epoch(self) -> tuple[float, float]:
        """One epoch: the mean loss of its steps, and the percentage that was right."""

    def measure(self) -> tuple[float, float]:
        """Mean cross-entropy and accuracy in percent on the held-out images."""
        return self._measuring()

    def _chunks(self, images: int) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch's inputs and labels in a new order: whole batches, about `images` at a time.

        The remainder that fills no batch waits for another epoch's order.
        """
        train, batch = self._data.train, self._batch
        order = torch.randperm(len(train), device=self._device, generator=self._generator)
        strengths = next(self._strengths).repeat_interleave(batch)
        size = max(1, images // batch) * batch
        parts = zip(order[: len(strengths)].split(size), strengths.split(size), strict=True)
        for part, strength in parts:
            inputs = inputs_of(
                *(train, part, self._data.normalizer, self._recipe),
                strength,
                *(self._generator, self._arithmetic),
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
    """The host's loop: every step is a few calls."""

    def __init__(
        self, model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
    ) -> None:
        super().__init__(model, data, recipe, seed, arithmetic)
        self._optimizer = optimizer_of(model, recipe)
        self._rates = iter(recipe.learning_rates(self._steps))
        self._shares = iter(recipe.shares(self._steps) if recipe.average else ())

    def train_epoch(self) -> tuple[float, float]:
        self._model.train()
        # Summed on the device and read once an epoch: reading waits for the device.
        loss_sum = torch.zeros((), device=self._device)
        correct = torch.zeros((), device=self._device, dtype=torch.long)
        for inputs, labels in self._chunks(CHUNK):
            for some, right in zip(
                inputs.split(self._batch), labels.split(self._batch), strict=True
            ):
                for group in self._optimizer.param_groups:
                    group["lr"] = next(self._rates)
                loss, hits = train_step(
                    *(self._model, self._optimizer, some, right),
                    *(self._recipe.label_smoothing, self._arithmetic, self._device),
                )
                if self._average:
                    self._average.step(next(self._shares))
                loss_sum += loss
                correct += hits
        accuracy = 100 * correct.item() / (self._steps * self._batch)
        self._fading.after_epoch(accuracy)
        return loss_sum.item() / self._steps, accuracy


class OnDevice(Engine):
    """Training in which a step reads nothing from the host: its batch, its learning rate, the
    counters and the sums live on the device, and the host looks at them once an epoch."""

    def __init__(
        self, model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
    ) -> None:
        super().__init__(model, data, recipe, seed, arithmetic)
        device = self._device
        rates = recipe.learning_rates(self._steps)
        shares = recipe.shares(self._steps) if recipe.average else [0.0] * len(rates)
        self._plan = torch.tensor([*zip(rates, shares, strict=True)], device=device)
        self._now = torch.zeros(1, 2, device=device)  # the plan's row for this step
        self._optimizer = optimizer_of(model, recipe, self._now[0, 0])
        # The batches of a chunk, side by side.
        image = data.train.store.shape[1:]
        self._at_once = PIXELS_ON_DEVICE // image.numel()  # images
        shape = (min(self._steps, max(1, self._at_once // self._batch)), self._batch, *image)
        self._inputs = torch.zeros(shape, device=device)
        self._labels = torch.zeros(shape[:2], dtype=torch.long, device=device)
        self._counts = torch.zeros(2, dtype=torch.long, device=device)
        self._step, self._place = self._counts.split(1)  # since the beginning, and in the chunk
        self._loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.long, device=device)

    def train_epoch(self) -> tuple[float, float]:
        self._model.train()
        for total in (self._loss, self._correct):
            total.zero_()
        for inputs, labels in self._chunks(self._at_once):
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
        torch.index_select(self._plan, 0, self._step, out=self._now)
        inputs = self._inputs.index_select(0, self._place).squeeze(0)
        labels = self._labels.index_select(0, self._place).squeeze(0)
        loss, hits = train_step(
            *(self._model, self._optimizer, self._arithmetic.arrange(inputs), labels),
            *(self._recipe.label_smoothing, self._arithmetic, self._device),
        )
        if self._average:
            self._average.step(self._now[0, 1])
        self._loss += loss
        self._correct += hits
        self._counts += 1

    def _warm_up(self) -> None:
        """Make some steps, on images that are black until the first chunk is there, and leave
        everything as if there had been none.

        AdamW's state, which the first step makes, stays where it is, and is zero again.
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
        """The state of the device's own generator, which dropout draws from."""
        return torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None


_ONE_CAPTURE = Lock()  # at a time in a process: CUDA's captures see what other threads do


class Captured(OnDevice):
    """`OnDevice` on CUDA, the whole step one graph and the evaluation another.

    Follows the whole-network capture of torch's notes on CUDA graphs. What cannot be captured is
    run eagerly, and `fallback` says why. The held-out images are not touched before `measure`: its
    first call is eager, and warms up for the graph that the later ones replay.
    """

    def __init__(
        self, model: nn.Module, data: Split, recipe: Recipe, seed: int, arithmetic: Arithmetic
    ) -> None:
        super().__init__(model, data, recipe, seed, arithmetic)
        self.name = "CUDA graph"
        self._measured = False
        self._evaluation: torch.cuda.CUDAGraph | None = None
        self._found: tuple[Tensor, Tensor] | None = None
        with torch.cuda.device(self._device):
            self._side = torch.cuda.Stream()
            with self._aside():
                self._warm_up()
        self._model.train()
        self._training = self._recorded(self._one_step)

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
            with torch.cuda.device(self._device), self._aside():
                return super().measure()
        if self._evaluation is None:
            self._evaluation = self._recorded(self._keep_totals)
        if self._evaluation is None or self._found is None:
            return super().measure()
        self._evaluation.replay()
        loss, correct = self._found
        count = len(self._data.held_out)
        return loss.item() / count, 100 * correct.item() / count

    def _keep_totals(self) -> None:
        self._found = self._measuring.totals()

    def _recorded(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
        """A graph that does `work`, or None if CUDA cannot capture it."""
        with _ONE_CAPTURE, torch.cuda.device(self._device):
            before = torch.cuda.current_stream()
            try:
                return self._captured(work)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                first = error.__context__ or error  # the end of a broken capture is one as well
                self.name, self.fallback = "eager", str(first).strip().partition("\n")[0]
            torch.cuda.set_stream(before)
            # Torch's own generator, which dropout draws from, still counts for the capture that
            # failed, and refuses to draw. The end of a capture, of whatever, ends that.
            self._captured(self._loss.zero_)
        return None

    def _captured(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._side, capture_error_mode="thread_local"):
            work()
        return graph

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is inside runs on the stream that captures, in its turn."""
        self._side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side):
            yield
        torch.cuda.current_stream().wait_stream(self._side)
