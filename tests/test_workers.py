"""Tasks come to their end also when workers do not."""

import asyncio
import os
from itertools import count
from multiprocessing.util import Finalize

import distributed
import numpy as np
import pytest
from joblib import delayed, parallel_config
from sklearn.dummy import DummyClassifier

from skgenre import compare_classifiers
from skgenre._parallel import run_parallel
from skgenre._workers import LostTaskError, count_processes, run_tasks


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        # not the one that Dask takes where none is named
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(params=["processes", "Dask"])
def where(request):
    if request.param == "Dask":
        return {"client": request.getfixturevalue("client")}
    return {"n_jobs": 2}


def test_few_tasks_wait():
    taken = count()
    results = run_tasks(lambda task: 2 * task, taken)
    assert [next(results) for _ in range(5)] == [(i, 2 * i) for i in range(5)]
    results.close()
    assert next(taken) < 10


def test_all_tasks_are_done(where):
    results = run_tasks(lambda task: [task**2], range(20), **where)
    assert sorted(results) == [(i, [i**2]) for i in range(20)]


def test_a_lost_worker_costs_what_it_was_at(where, tmp_path):
    def run(task):
        with open(tmp_path / f"{task}", "a") as runs:
            runs.write("x")
        if task % 5 == 0 and os.path.getsize(tmp_path / f"{task}") == 1:
            os._exit(1)
        return task

    assert dict(run_tasks(run, range(12), **where)) == {i: i for i in range(12)}
    n_runs = [os.path.getsize(tmp_path / f"{task}") for task in range(12)]
    assert min(n_runs[::5]) == 2
    assert sum(n_runs) < 36


def test_a_task_that_ends_every_worker_is_an_error(monkeypatch):
    monkeypatch.setattr("skgenre._workers._MOST_TRIES", 2)
    with pytest.raises(LostTaskError, match="was lost 2 times"):
        list(run_tasks(lambda task: os._exit(1), range(1), n_jobs=2))


def test_an_error_of_a_task_is_raised(where):
    def run(task):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        list(run_tasks(run, range(3), **where))
    assert list(run_tasks(lambda task: task, range(1), **where)) == [(0, 0)]


def test_workers_that_are_done_tidy_up(tmp_path):
    # Python warns of semaphores that killed ones leave behind
    def run(task):
        Finalize(None, (tmp_path / f"{os.getpid()}").touch, exitpriority=1)
        return os.getpid()

    workers = {pid for _, pid in run_tasks(run, range(4), n_jobs=2)}
    assert {int(path.name) for path in tmp_path.iterdir()} == workers


def test_a_client_that_is_none_is_named(client):
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client, got str"):
        next(run_tasks(print, range(1), client=client.scheduler.address))
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client, got LocalCluster"):
        next(run_tasks(print, range(1), client=client.cluster))


def test_a_client_that_cannot_be_used_is_named(client):
    closed = distributed.Client(client.scheduler.address, set_as_default=False)
    closed.close()
    with pytest.raises(ValueError, match="client is closed"):
        next(run_tasks(print, range(1), client=closed))

    async def ask():
        async with distributed.Client(
            client.scheduler.address, asynchronous=True, set_as_default=False
        ) as awaited:
            next(run_tasks(print, range(1), client=awaited))

    with pytest.raises(ValueError, match="client is asynchronous"):
        asyncio.run(ask())


def test_a_cluster_of_joblib_says_nothing_of_this_machine(client):
    n_here = count_processes(-1)
    with parallel_config(backend="dask", client=client):
        assert count_processes(-1) == n_here
        assert count_processes(3) == 3
    with parallel_config(n_jobs=3):
        assert count_processes(None) == 3
    assert count_processes(None) == 1


def test_joblib_on_a_cluster_survives_a_lost_worker(
    client, task_that_ends_its_worker_once, tmp_path
):
    run = task_that_ends_its_worker_once
    with parallel_config(backend="dask", client=client):
        assert list(run_parallel(map(delayed(run), range(40)), n_jobs=None)) == list(range(40))
    assert os.path.getsize(tmp_path / "5") == 2


def test_a_lost_worker_costs_a_comparison_its_fold_only(client, tmp_path):
    class Fragile(DummyClassifier):
        def fit(self, X, y):
            with open(tmp_path / "fits", "a") as fits:
                fits.write("x")
            if os.path.getsize(tmp_path / "fits") == 3:
                os._exit(1)
            return super().fit(X, y)

    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.tile(["blues", "rock"], 10)
    with parallel_config(backend="dask", client=client):
        table = compare_classifiers({"fragile": Fragile()}, X, y, groups=np.arange(20) // 2)
    assert table["error"].isna().all()
    assert len(table) <= os.path.getsize(tmp_path / "fits") - 1 <= len(table) + 2
