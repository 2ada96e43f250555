"""Trainings of nets whose numbers grow until they are no longer numbers."""

import numpy as np


class FiniteCheck:
    """Refuses the numbers of a training where they are NaN or infinite.

    Parameters
    ----------
    learning_rate : float
        Of the training.
    precision : str
        What the net computes in.
    values : sequence of ndarray, default=None
        What the net learns from, where other values can be given.
    """

    def __init__(self, *, learning_rate, precision, values=None):
        self._learning_rate, self._precision, self._values = learning_rate, precision, values

    def __call__(self, numbers, what):
        """Raise a `FloatingPointError` that tells what is not finite, and what to change."""
        if not np.isfinite(numbers).all():
            raise FloatingPointError(f"{what} is not finite; {self._advise()}")

    def _advise(self):
        advice = [f"lower the learning_rate (now {self._learning_rate:g})"]
        if self._precision != "float32":
            advice.append(f"set precision='float32' (now {self._precision!r})")
        if self._values is not None:
            peak = max(np.abs(values).max() for values in self._values)
            advice.append(f"scale X, which reaches {peak:.3g}, as SpectrogramScaler does")
        return ", or ".join(advice)
