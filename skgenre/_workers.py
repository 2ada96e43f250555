"""Tasks on workers that may be lost: processes of this machine, or those of a Dask cluster.

A lost worker costs the tasks that it had, which are run again. So does a Dask scheduler that is
started again at its address.
"""

import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from joblib import effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits

# A task that ends its worker each time would do so for ever.
_MOST_TRIES = 20
# Tasks for each worker, so that the next one is there when it is done.
_TASKS_PER_WORKER = 2
# How long a scheduler may be away, and how often to look for it, in seconds.
_PATIENCE, _PAUSE = 300, 1


class LostTaskError(RuntimeError):
    """A task whose worker was lost again and again.

    Parameters
    ----------
    task : object
        The task.
    """

    def __init__(self, task):
        super().__init__(f"A worker was lost {_MOST_TRIES} times while it was at the same task")
        self.task = task


def run_tasks(function, tasks, *, n_jobs=None, client=None):
    """Yield the number of each task and its result as soon as it is there, in any order.

    Parameters
    ----------
    function : callable
        Called with a task. It may be called again for a task whose worker was lost.
    tasks : iterable
        Few of them wait for a worker at any time.
    n_jobs : int or None
        How many processes of this machine run tasks, as joblib counts; 1 runs them in this process.
    client : distributed.Client or None
        Runs the tasks on its cluster instead.

    Raises
    ------
    LostTaskError
        If a task ends its worker each time.
    TypeError, ValueError
        If the client is none, or cannot be used.
    """
    workers = _choose_workers(n_jobs, client)
    waiting: dict = {}
    try:
        numbered = enumerate(tasks)
        again: deque = deque()
        n_tries: Counter = Counter()
        while True:
            n_together = workers.n_together
            while len(waiting) < n_together:
                job = again.popleft() if again else next(numbered, None)
                if job is None:
                    break
                waiting[workers.submit(function, job[1])] = job
            if not waiting:
                return
            n_lost = len(again)
            for future in workers.wait(waiting):
                number, task = waiting.pop(future)
                try:
                    result = future.result()
                except workers.lost as error:
                    n_tries[number] += 1
                    if n_tries[number] == _MOST_TRIES:
                        raise LostTaskError(task) from error
                    again.append((number, task))
                else:
                    yield number, result
            if len(again) > n_lost and workers.renew():
                again.extend(waiting.values())
                waiting.clear()
    finally:
        workers.close(at_once=bool(waiting))


def is_dask_worker():
    """Tell whether this runs in a task on a Dask cluster."""
    import distributed

    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def _choose_workers(n_jobs, client):
    if client is not None:
        return _DaskWorkers(client)
    n_workers = count_processes(n_jobs)
    return _ThisProcess() if n_workers == 1 else _LocalWorkers(n_workers)


def count_processes(n_jobs):
    """Return how many processes joblib takes on this machine, also where it uses a cluster."""
    backend, n_usual = get_active_backend()
    if getattr(backend, "uses_threads", False):
        return effective_n_jobs(n_jobs)
    with parallel_config(backend="loky", n_jobs=n_usual):
        return effective_n_jobs(n_jobs)


class _ThisProcess:
    """No workers: tasks run when they are submitted."""

    lost: tuple = ()
    n_together = 1

    def submit(self, function, task):
        future: Future = Future()
        future.set_result(function(task))
        return future

    def wait(self, futures):
        return list(futures)

    def renew(self):
        return False

    def close(self, *, at_once):
        pass


class _LocalWorkers:
    """Processes of joblib's loky. Where one ends, all are replaced."""

    lost = (BrokenProcessPool,)

    def __init__(self, n_workers):
        self.n_together = n_workers * _TASKS_PER_WORKER
        self._n_workers = n_workers
        self._start()

    def _start(self):
        self._pool = ProcessPoolExecutor(
            self._n_workers, initializer=threadpool_limits, initargs=(1,)
        )

    def submit(self, function, task):
        try:
            return self._pool.submit(function, task)
        except BrokenProcessPool as error:
            lost: Future = Future()
            lost.set_exception(error)
            return lost

    def wait(self, futures):
        return wait(futures, return_when=FIRST_COMPLETED).done

    def renew(self):
        self.close(at_once=True)
        self._start()
        return True

    def close(self, *, at_once):
        # what is killed leaves semaphores behind, of which Python warns
        self._pool.shutdown(wait=True, kill_workers=at_once)


class _DaskWorkers:
    """The workers of a Dask cluster. Where its scheduler is lost, it is waited for."""

    def __init__(self, client):
        import distributed
        from distributed.comm import CommClosedError

        if not isinstance(client, distributed.Client):
            raise TypeError(
                f"client must be a distributed.Client, got {type(client).__name__}; connect to a "
                "scheduler by distributed.Client(address)"
            )
        if client.asynchronous:
            raise ValueError("client is asynchronous; give one made without asynchronous=True")
        if client.status in ("closing", "closed") or client.scheduler is None:
            raise ValueError("client is closed; connect to the scheduler again")
        self.lost = (distributed.KilledWorker, CancelledError, CommClosedError)
        self._distributed, self._client, self._is_ours = distributed, client, False
        self._address, self._security = client.scheduler.address, client.security

    @property
    def n_together(self):
        try:
            n_threads = sum(self._client.nthreads().values())
        except OSError:
            n_threads = 1
        return max(n_threads, 1) * _TASKS_PER_WORKER

    def submit(self, function, task):
        # not pure, so that what was lost is computed again
        return self._client.submit(function, task, pure=False)

    def wait(self, futures):
        while True:
            try:
                # it asks the default client of the process, which may be another one, or none
                with self._client.as_current():
                    return self._distributed.wait(
                        list(futures), timeout=_PAUSE, return_when="FIRST_COMPLETED"
                    ).done
            except TimeoutError:
                pass
            except CancelledError:
                return [future for future in futures if future.done()]

    def renew(self):
        # for some seconds it looks for its scheduler itself, and then gives up
        while self._client.status == "connecting":
            time.sleep(_PAUSE)
        if self._client.status != "running":
            self._client = self._distributed.Client(
                self._address, security=self._security, timeout=_PATIENCE, set_as_default=False
            )
            self._is_ours = True
        return False

    def close(self, *, at_once):
        if self._is_ours:
            self._client.close()
