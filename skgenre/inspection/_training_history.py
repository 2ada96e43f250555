import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._plotting import COLORS, make_panels

# Beyond as many points, marks hide the line.
_MAX_MARKS = 30


class TrainingHistoryDisplay:
    """Plot loss and accuracy of a network during training, for training and validation songs.

    Create it with `TrainingHistoryDisplay.from_estimator`, or from a ``history_`` that you kept.
    All parameters are stored as attributes. See :doc:`/guide/inspection`.

    Parameters
    ----------
    history : dict of list of float
        The ``history_`` of a network: ``"loss"`` of each epoch, and optionally ``"accuracy"``,
        ``"val_loss"``, ``"val_accuracy"``, and ``"step_loss"`` of each step.
    per : {"epoch", "step"}, default="epoch"
        Unit of the time axis. With ``"step"``, the training loss of each step is shown, which only
        `Wav2VecClassifier` keeps.

    Attributes
    ----------
    axes_ : ndarray of Axes
        The axes of the loss and, if there is any, of the accuracy.
    figure_ : Figure
        The figure with the axes.

    See Also -------- sklearn.model_selection.LearningCurveDisplay : Plots scores against the number
    of training songs.

    Examples
    --------
    >>> from skgenre import TrainingHistoryDisplay
    >>> history = {"loss": [2.3, 1.2, 0.7], "val_loss": [2.2, 1.6, 1.5]}
    >>> display = TrainingHistoryDisplay(history).plot()
    >>> [line.get_label() for line in display.axes_[0].lines]
    ['Training', 'Validation']
    """

    def __init__(self, history, *, per="epoch"):
        self.history = history
        self.per = per

    @classmethod
    def from_estimator(cls, estimator, *, per="epoch", ax=None):
        """Plot how a network was trained.

        Parameters
        ----------
        estimator : classifier or Pipeline
            A fitted network, or a pipeline that ends with one.
        per : {"epoch", "step"}, default="epoch"
            Unit of the time axis. With ``"step"``, the training loss of each step is shown, which
            only `Wav2VecClassifier` keeps.
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two axes. ``None`` creates a new figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display with the plot.

        Raises
        ------
        TypeError
            If the classifier has no ``history_``.
        """
        net = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        check_is_fitted(net)
        if not hasattr(net, "history_"):
            raise TypeError(f"{type(net).__name__} has no history_ of its training")
        return cls(net.history_, per=per).plot(ax)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or one for each panel. ``None`` creates a new figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            This display.

        Raises
        ------
        ValueError
            If ``history`` has no loss, or no ``"step_loss"`` with ``per="step"``, or lists of
            unequal length.
        """
        self._check()
        names = ["loss", "accuracy"] if "accuracy" in self.history else ["loss"]
        self.axes_ = make_panels(ax, (1, len(names)), figsize=(4.8 * len(names), 3.6))
        self.figure_ = self.axes_[0].figure
        n_epochs = len(self.history["loss"])
        of_steps = self.history["step_loss"] if self.per == "step" else None
        n_points = n_epochs if of_steps is None else len(of_steps)
        limits = 0.5, n_points + max(0.5, 0.02 * n_points)
        ends = np.arange(1, n_epochs + 1) * n_points / n_epochs
        marks = {"marker": "o" if n_epochs <= _MAX_MARKS else None, "markersize": 4}
        for name, ax in zip(names, self.axes_, strict=True):
            training = {"color": COLORS[0], "label": "Training"}
            if name == "loss" and of_steps is not None:
                ax.plot(np.arange(1, n_points + 1), of_steps, linewidth=0.8, **training)
            else:
                ax.plot(ends, self.history[name], **marks, **training)
            if f"val_{name}" in self.history:
                held_out = self.history[f"val_{name}"]
                ax.plot(ends, held_out, color=COLORS[5], label="Validation", **marks)
            ax.set(xlabel=self.per.capitalize(), ylabel=name.capitalize(), xlim=limits)
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.legend()
        self.axes_[0].set_ylim(bottom=0)
        if len(names) == 2:
            self.axes_[1].set_ylim(0, 1)
        return self

    def _check(self):
        if self.per not in ("epoch", "step"):
            raise ValueError(f"per must be 'epoch' or 'step', got {self.per!r}")
        if not len(self.history.get("loss", ())):
            raise ValueError(f"history has no 'loss', only {sorted(self.history)}")
        if self.per == "step" and not len(self.history.get("step_loss", ())):
            raise ValueError(
                "history has no 'step_loss', which only Wav2VecClassifier keeps; use per='epoch'"
            )
        n_epochs = len(self.history["loss"])
        for name in ("val_loss", "accuracy", "val_accuracy"):
            n_values = len(self.history.get(name, self.history["loss"]))
            if n_values != n_epochs:
                raise ValueError(f"history has {n_values} of {name!r} for {n_epochs} of 'loss'")
