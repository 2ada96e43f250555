import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import KerasCNNClassifier, TrainingHistoryDisplay

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.2, 0.5, 0.9],
    "val_loss": [1.9, 1.5, 1.6],
    "val_accuracy": [0.3, 0.4, 0.5],
    "seconds": [1.0, 1.0, 1.0],
}
STEPS = {**HISTORY, "step_loss": np.linspace(2, 0.5, 12).tolist()}


class Net(BaseEstimator):
    def __init__(self, history=None):
        self.history = history

    def fit(self, X, y):
        self.history_ = self.history
        return self


def test_lines_are_the_history():
    display = TrainingHistoryDisplay(HISTORY).plot()
    for ax, name in zip(display.axes_, ["loss", "accuracy"], strict=True):
        training, held_out = ax.lines
        assert (training.get_label(), held_out.get_label()) == ("Training", "Validation")
        assert_allclose(training.get_xydata(), np.c_[[1, 2, 3], HISTORY[name]])
        assert_allclose(held_out.get_xydata(), np.c_[[1, 2, 3], HISTORY[f"val_{name}"]])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", name.capitalize())
        assert all(tick == round(tick) for tick in ax.get_xticks())
    loss, accuracy = display.axes_
    assert loss.get_ylim()[0] == 0
    assert loss.get_ylim()[1] > 2
    assert accuracy.get_ylim() == (0, 1)


def test_per_step():
    loss, accuracy = TrainingHistoryDisplay(STEPS, per="step").plot().axes_
    assert_allclose(loss.lines[0].get_xydata(), np.c_[np.arange(1, 13), STEPS["step_loss"]])
    assert_allclose(loss.lines[1].get_xydata(), np.c_[[4, 8, 12], HISTORY["val_loss"]])
    assert_allclose(accuracy.lines[0].get_xydata(), np.c_[[4, 8, 12], HISTORY["accuracy"]])
    assert loss.get_xlabel() == accuracy.get_xlabel() == "Step"
    assert loss.get_xlim() == accuracy.get_xlim()


def test_a_net_without_songs_held_out_and_one_epoch():
    net = Net({"loss": [2.0], "accuracy": [0.1]}).fit(None, None)
    loss, accuracy = TrainingHistoryDisplay.from_estimator(net).axes_
    assert len(loss.lines) == len(accuracy.lines) == 1
    # a line of one point would not be seen
    assert loss.lines[0].get_marker() == "o"


def test_from_pipelines_and_on_given_axes():
    figure, axes = plt.subplots(1, 2)
    clf = make_pipeline(StandardScaler(), Net(HISTORY).fit(None, None))
    display = TrainingHistoryDisplay.from_estimator(clf, ax=axes)
    assert display.history is HISTORY
    assert display.figure_ is figure
    single = TrainingHistoryDisplay({"loss": [1.0, 0.5]}).plot(axes[0])
    assert list(single.axes_) == [axes[0]]


def test_a_trained_keras_net(bags):
    X, y = bags
    net = KerasCNNClassifier(epochs=2, validation_fraction=0.25, random_state=0).fit(X, y)
    loss, accuracy = TrainingHistoryDisplay.from_estimator(net).axes_
    assert_allclose(loss.lines[1].get_ydata(), net.history_["val_loss"])
    assert_allclose(accuracy.lines[0].get_ydata(), net.history_["accuracy"])


@pytest.mark.parametrize(
    ("history", "per", "message"),
    [
        ({"accuracy": [1.0]}, "epoch", r"no 'loss', only \['accuracy'\]"),
        ({"loss": []}, "epoch", "no 'loss'"),
        (HISTORY, "step", "only Wav2VecClassifier keeps"),
        (HISTORY, "batch", "'epoch' or 'step', got 'batch'"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "epoch", "1 of 'val_loss' for 2"),
    ],
)
def test_bad_histories(history, per, message):
    with pytest.raises(ValueError, match=message):
        TrainingHistoryDisplay(history, per=per).plot()
    assert not plt.get_fignums()


def test_estimators_without_history():
    with pytest.raises(NotFittedError):
        TrainingHistoryDisplay.from_estimator(KerasCNNClassifier())
    with pytest.raises(TypeError, match="LogisticRegression has no history_"):
        TrainingHistoryDisplay.from_estimator(LogisticRegression().fit([[0], [1]], [0, 1]))
