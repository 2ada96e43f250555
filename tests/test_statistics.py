"""Statistics over time are finite for what does not vary."""

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose

from skgenre._statistics import STATISTICS, summarize

VALUES = np.random.RandomState(0).gamma(2, size=(3, 4, 50)).astype(np.float32)


@pytest.mark.parametrize("axis", [-1, (0, 2)])
def test_all_bands_of_one_statistic_come_before_the_next(axis):
    values = VALUES if axis != -1 else VALUES[0]
    flat = np.moveaxis(values, -2, 0).reshape(4, -1)
    expected = [
        flat.mean(axis=1),
        flat.var(axis=1),
        scipy.stats.skew(flat, axis=1),
        scipy.stats.kurtosis(flat, axis=1),
    ]
    result = summarize(values, ("mean", "var", "skew", "kurtosis"), axis)
    assert_allclose(result, np.concatenate(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("value", [0, 0.1, -1000])
def test_constants(name, value):
    expected = value if name in ("mean", "min", "max", "median") else 0
    result = STATISTICS[name](np.full((2, 70), value, dtype=np.float32), axis=-1)
    assert_allclose(result, expected, rtol=1e-6, atol=1e-6 * abs(value))
