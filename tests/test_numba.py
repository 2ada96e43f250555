"""Compiled functions work where their machine code cannot be kept."""

import numba
import pytest

from skgenre._numba import compiled


@pytest.mark.parametrize("writable", [True, False])
def test_compiled(monkeypatch, writable):
    njit = numba.njit

    def without_a_cache(*args, cache=False, **options):
        if cache and not writable:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", without_a_cache)

    @compiled
    def double(x):
        return 2 * x

    assert double(1.5) == 3
    assert double.targetoptions["nogil"]
