import random
import threading
from contextlib import contextmanager

import numpy as np

# Nets that are trained in threads draw from the same generators, one at a time.
_seeding = threading.Lock()


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
