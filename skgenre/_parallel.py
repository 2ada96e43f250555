import warnings
from itertools import islice

from joblib import Parallel, effective_n_jobs
from joblib.parallel import get_active_backend

# Calls for each worker between two waits for the slowest: what a consumer that is slower than the
# workers, or a first call that is slower than the rest, can let pile up.
_CALLS_PER_WORKER = 16


def run_parallel(calls, *, n_jobs, prefer=None):
    """Yield the results of joblib's ``delayed`` calls in order, few of them waiting at any time."""
    backend, _ = get_active_backend(prefer=prefer)
    return_as = "generator" if backend.supports_return_generator else "list"
    calls = iter(calls)
    with Parallel(n_jobs=n_jobs, prefer=prefer, return_as=return_as) as parallel:
        n_together = _CALLS_PER_WORKER * effective_n_jobs(n_jobs)
        while batch := list(islice(calls, n_together)):
            results = parallel(batch)
            try:
                for result in results:  # noqa: UP028, `yield from` would close it aloud
                    yield result
            finally:
                if return_as == "generator":
                    _close_in_silence(results)


def _close_in_silence(results):
    """Close joblib's generator, which warns of results that nobody wants any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results.close()
