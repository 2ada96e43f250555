import time
from contextlib import nullcontext
from typing import Any

import numpy as np

from .._checked_files import DamagedFileError
from .._divergence import FiniteCheck
from .._progress import make_progress
from ._net import recomputed_activations
from ._precision import settle_precision
from ._torch import autocast, memory_advice, seeded, torch

_MAX_GRADIENT_NORM = 1.0


def train(
    net,
    songs,
    *,
    validation,
    device,
    precision,
    epochs,
    batch_size,
    gradient_accumulation_steps,
    gradient_checkpointing,
    learning_rate,
    warmup_fraction,
    early_stopping,
    patience,
    saved,
    seed,
    verbose,
):
    """Train a net on segments.

    Parameters
    ----------
    net : GenreNet
        The net, whose trained weights are chosen. It is moved to the device.
    songs : tuple
        Segments, a sequence of arrays (1, n_samples) of one length, their classes as integers, and
        their weights.
    validation : tuple or None
        The same for those that are held out.
    precision : str
        Name of a precision, or ``"auto"``.
    saved : SavedTraining or None
        Where to go on, and where to save each epoch.

    Returns
    -------
    history : dict of list of float
        Loss and accuracy of each epoch, and the seconds that it took; loss and learning rate of
        each step.

    Raises
    ------
    FloatingPointError
        If a loss or a weight of the net is not finite.
    """
    advice = (
        f"halve batch_size (now {batch_size}) and double gradient_accumulation_steps (now "
        f"{gradient_accumulation_steps}), which trains the same; or set "
        "gradient_checkpointing=True, freeze_base=True or a shorter segment_duration"
    )
    with memory_advice(advice):
        training = _Training(
            net.to(device),
            songs,
            device=device,
            precision=settle_precision(precision, device, net.checkpoint, net.base.eval()),
            batch_size=batch_size,
            n_together=batch_size * gradient_accumulation_steps,
            learning_rate=learning_rate,
            warmup_fraction=warmup_fraction,
            epochs=epochs,
            seed=seed,
        )
    net.suit_length(songs[0][0].shape[1])
    thrift = recomputed_activations(net.base) if gradient_checkpointing else nullcontext()
    best, first_epoch = _start(training, saved)
    progress_bar = make_progress() if verbose else nullcontext()
    with progress_bar as progress, memory_advice(advice), thrift:
        training.show_in(progress, first_epoch)
        for epoch in range(first_epoch, epochs):
            if early_stopping and epoch > best["epoch"] + patience:
                break
            start = time.perf_counter()
            with seeded(seed, epoch + 1):
                training.run_epoch(epoch)
            if validation is not None:
                training.validate(validation)
            training.history["seconds"].append(time.perf_counter() - start)
            if early_stopping and training.history["val_loss"][-1] < best["loss"]:
                loss = training.history["val_loss"][-1]
                best = {"loss": loss, "epoch": epoch, "weights": net.trained_weights()}
            if saved is not None:
                saved.save({"training": training.state(), "best": best, "epoch": epoch})
    if best["weights"] is not None:
        net.load_state_dict({**net.state_dict(), **best["weights"]})
    net.zero_grad(set_to_none=True)
    net.eval()
    training.check_net()
    if saved is not None:
        saved.finish()
    return training.history


def _start(training, saved):
    """Return the best epoch so far, and the one to go on with: of what is saved, or the first."""
    state = None if saved is None else saved.load()
    if state is not None:
        new = training.state()
        try:
            best = state["best"]
            for weights in (state["training"]["weights"], best["weights"] or new["weights"]):
                if weights.keys() != new["weights"].keys():
                    raise DamagedFileError("it is of another net")
            training.restore(state["training"])
            return best, state["epoch"] + 1
        except Exception as error:  # whatever a file made by others holds, this one begins anew
            training.restore(new)
            saved.warn_of_damage(error)
    return {"loss": np.inf, "epoch": -1, "weights": None}, 0


class _Training:
    """The optimizer of a net, the steps that it took, and what came of them."""

    def __init__(
        self,
        net,
        songs,
        *,
        device,
        precision,
        batch_size,
        n_together,
        learning_rate,
        warmup_fraction,
        epochs,
        seed,
    ):
        self.net, self._seed = net, seed
        self._segments, self._codes, self._weights = songs
        self._device, self._precision = device, precision
        self._batch_size = batch_size
        self._n_steps_of_epoch = -(-len(self._segments) // n_together)
        self._n_steps = epochs * self._n_steps_of_epoch
        self._learning_rate = float(learning_rate)
        self._n_warmup = round(warmup_fraction * self._n_steps)
        self._check = FiniteCheck(learning_rate=learning_rate, precision=precision)
        learnt = [values for values in net.parameters() if values.requires_grad]
        self._optimizer = torch.optim.AdamW(learnt, lr=learning_rate)
        # the gradients of float16 would vanish without it
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
        names = ("loss", "accuracy", "seconds", "step_loss", "step_learning_rate")
        self.history: dict = {name: [] for name in names}
        self._progress: Any = None

    def state(self):
        """Return what `restore` needs."""
        return {
            "weights": self.net.trained_weights(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "history": self.history,
        }

    def restore(self, state):
        """Go on from a state."""
        self.net.load_state_dict({**self.net.state_dict(), **state["weights"]})
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self.history = state["history"]

    def show_in(self, progress, first_epoch):
        """Show steps, loss and time left in a progress display, or nowhere if it is None."""
        self._progress = progress
        if progress is not None:
            done = first_epoch * self._n_steps_of_epoch
            self._task = progress.add_task("training", total=self._n_steps, completed=done, info="")

    def run_epoch(self, epoch):
        """Take the steps of an epoch."""
        self.net.train()
        if not any(values.requires_grad for values in self.net.base.parameters()):
            self.net.base.eval()
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._segments))
        loss, n_right = 0.0, 0
        for rows in np.array_split(order, self._n_steps_of_epoch):
            rate = self._rate(len(self.history["step_loss"]))
            step_loss, right = self._step(rows, rate)
            self.history["step_loss"].append(step_loss)
            self.history["step_learning_rate"].append(rate)
            loss, n_right = loss + step_loss * len(rows), n_right + right
            if self._progress is not None:
                self._show(epoch, step_loss)
        self.history["loss"].append(loss / len(order))
        self.history["accuracy"].append(n_right / len(order))

    def _step(self, rows, rate):
        """Take a step by the mean loss of some segments, as many at a time as fit in a batch."""
        loss, n_right = 0.0, 0
        for part in np.array_split(rows, -(-len(rows) // self._batch_size)):
            losses, right = self._judge(self._segments, self._codes, self._weights, part)
            part_loss = losses.sum() / len(rows)
            self._scaler.scale(part_loss).backward()
            loss, n_right = loss + float(part_loss.detach()), n_right + right
        self._check(loss, f"The loss after {len(self.history['step_loss'])} steps")
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._scaler.unscale_(self._optimizer)
        for group in self._optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], _MAX_GRADIENT_NORM)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return loss, n_right

    def _judge(self, segments, codes, weights, rows):
        """Return the weighted losses of some segments, and how many were right."""
        inputs = self.net.prepare(np.concatenate([segments[row] for row in rows]))
        targets = torch.as_tensor(codes[rows], device=self._device)
        with autocast(self._device, self._precision):
            scores = self.net(inputs)
        of_rows = torch.as_tensor(weights[rows], dtype=torch.float32, device=self._device)
        losses = torch.nn.functional.cross_entropy(scores, targets, reduction="none") * of_rows
        return losses, int((scores.argmax(dim=1) == targets).sum())

    def validate(self, songs):
        """Note loss and accuracy of songs that are held out."""
        self.net.eval()
        segments, codes, weights = songs
        loss, n_right = 0.0, 0
        with torch.inference_mode():
            for rows in np.array_split(
                np.arange(len(segments)), -(-len(segments) // self._batch_size)
            ):
                losses, right = self._judge(segments, codes, weights, rows)
                loss, n_right = loss + float(losses.sum()), n_right + right
        self._check(loss, f"The val_loss of epoch {len(self.history['loss'])}")
        self.history.setdefault("val_loss", []).append(loss / len(segments))
        self.history.setdefault("val_accuracy", []).append(n_right / len(segments))

    def check_net(self):
        """Refuse a trained net of weights, or of answers for training songs, not finite."""
        state = self.net.state_dict()
        for name in self.net.trained:
            self._check(float(state[name].float().abs().max()), f"A weight of {name}")
        n_segments = len(self._segments)
        rows = np.linspace(0, n_segments - 1, min(n_segments, self._batch_size)).astype(int)
        with torch.inference_mode():
            losses, _ = self._judge(self._segments, self._codes, self._weights, rows)
        self._check(losses.cpu().numpy(), "The loss of the trained net")

    def _rate(self, step):
        """Return the learning rate of a step: a line up to its maximum, then one down to zero."""
        if step < self._n_warmup:
            return self._learning_rate * (step + 1) / self._n_warmup
        return self._learning_rate * (self._n_steps - step) / (self._n_steps - self._n_warmup)

    def _show(self, epoch, loss):
        shown = f"epoch {epoch + 1}  loss {loss:.3f}"
        if "val_accuracy" in self.history:
            shown += f"  val_accuracy {self.history['val_accuracy'][-1]:.3f}"
        self._progress.update(self._task, advance=1, info=shown)
