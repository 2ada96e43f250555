import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import MFCCSegmenter, SegmentVotingClassifier, SpectrogramScaler

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _drawing_leaves_nothing_behind():
    """Draw every figure, so that what fails or warns only then does; no setting may change."""
    settings = matplotlib.rcParams.copy()
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
        plt.close(number)
    assert settings == matplotlib.rcParams


@pytest.fixture(scope="session")
def fitted(songs):
    """Return a pipeline from clips to genres that hears three segments of half a second."""
    X, y, _ = songs
    clf = make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3, n_mels=40),
        SpectrogramScaler(),
        SegmentVotingClassifier(LogisticRegression(max_iter=1000)),
    )
    return clf.fit(np.asarray(X), y)
