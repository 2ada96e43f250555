"""How the benchmarks compare speed: in turns within one run, by medians, as a ratio."""

import time

import numpy as np


def median_seconds(contenders, inputs, rounds):
    """Return the median time of each of some functions, called in turns on the same inputs."""
    seconds: dict = {name: [] for name in contenders}
    for i in range(rounds):
        for name in list(contenders)[:: 1 if i % 2 else -1]:
            start = time.perf_counter()
            contenders[name](inputs[i % len(inputs)])
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}
