import os
import random
import threading
from contextlib import contextmanager

import numpy as np

# Nets that are trained in threads draw from the same generators, one at a time.
_seeding = threading.Lock()


def _unlock():
    """Replace the lock, which a thread may have held that a forked process does not have."""
    global _seeding
    _seeding = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


@contextmanager
def global_generators_kept():
    """Give Python's and NumPy's global generators back after; one thread at a time."""
    with _seeding:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002
