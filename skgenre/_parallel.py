import warnings
from contextlib import closing
from itertools import islice

from joblib import Parallel, effective_n_jobs
from joblib.parallel import get_active_backend

from ._workers import is_dask_worker, run_tasks

# Calls for each worker between two waits for the slowest: what a consumer that is slower than the
# workers, or a first call that is slower than the rest, can let pile up.
_CALLS_PER_WORKER = 16


def run_parallel(calls, *, n_jobs, prefer=None):
    """Yield the results of joblib's ``delayed`` calls in order, few of them waiting at any time.

    On a Dask cluster, a lost worker costs the calls that it had, which are made again; joblib's own
    way there ends with an error.
    """
    backend, n_usual = get_active_backend(prefer=prefer)
    client = getattr(backend, "client", None)
    if (
        client is not None
        and (n_usual if n_jobs is None else n_jobs) != 1
        # where a task waits for tasks, joblib's own way makes room for them
        and not is_dask_worker()
    ):
        yield from _run_on_cluster(calls, client)
        return
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


def _run_on_cluster(calls, client):
    calls = iter(calls)
    n_together = _CALLS_PER_WORKER * max(sum(client.nthreads().values()), 1)
    while batch := list(islice(calls, n_together)):
        waiting, n_given = {}, 0
        with closing(run_tasks(_call, batch, client=client)) as results:
            for number, result in results:
                waiting[number] = result
                while n_given in waiting:
                    yield waiting.pop(n_given)
                    n_given += 1


def _call(call):
    function, args, kwargs = call
    return function(*args, **kwargs)


def count_threads(n_jobs):
    """Return how many threads `own_threads` has."""
    _, n_usual = get_active_backend()
    backend, _ = get_active_backend(require="sharedmem")
    return backend.effective_n_jobs(n_usual if n_jobs is None else n_jobs)


def own_threads(n_jobs):
    """Return a `joblib.Parallel` with threads that no other one shares.

    All others at one level of nesting may share a backend, and the first of them that ends takes
    the threads of the rest: results that are still waited for, as by `run_parallel`, never come.
    """
    return Parallel(n_jobs=count_threads(n_jobs), backend="threading", batch_size=1)


def _close_in_silence(results):
    """Close joblib's generator, which warns of results that nobody wants any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results.close()
