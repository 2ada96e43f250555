"""Work that is shared out by joblib."""

from threading import Event

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from numpy.testing import assert_allclose

from skgenre import OnnxEmbedder
from skgenre._parallel import count_threads, own_threads, run_parallel


def test_threads_leave_those_alone_that_are_waited_for():
    is_released = Event()
    # threads given by name share one backend, as those in joblib's own processes do
    with parallel_config(backend="threading", n_jobs=2):
        calls = [delayed(is_released.wait)(timeout) for timeout in (0, *[60] * 8)]
        results = run_parallel(calls, n_jobs=None)
        assert next(results) is False
        assert own_threads(None)(delayed(str)(i) for i in range(4)) == list("0123")
        is_released.set()
        assert list(results) == [True] * 8


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_nets_in_onnx_files_are_asked_inside_of_other_work(backend):
    clips = np.random.RandomState(0).normal(scale=0.1, size=(40, 8000)).astype(np.float32)
    embedder = OnnxEmbedder(sr=16000, duration=0.5, n_jobs=2)
    expected = embedder.fit_transform(clips)
    with parallel_config(backend=backend):
        assert_allclose(embedder.transform(clips), expected, atol=1e-6)
        found = Parallel(n_jobs=2)(delayed(embedder.transform)(part) for part in (clips, clips))
    assert_allclose(found, [expected, expected], atol=1e-6)


def test_the_number_of_threads_is_that_of_the_surroundings():
    assert count_threads(None) == 1
    assert count_threads(3) == 3
    with parallel_config(n_jobs=2):
        assert count_threads(None) == 2
        assert count_threads(3) == 3
    with parallel_config(backend="sequential"):
        assert count_threads(3) == 1
