"""A Dask cluster of which each process can be killed and started again, as cluster managers do."""

import os
import socket
import subprocess
import sys

import distributed

# Dask's profiler keeps the call stacks of an hour, which grows by 0.1 MB a second.
_SETTINGS = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}


class Cluster:
    """A scheduler and workers of one thread each.

    Parameters
    ----------
    folder : path
        Where its processes run, and leave what they print.
    wraps : list of list of str
        What stands before the command of each worker.
    host : str
        The address of the scheduler's machine.
    """

    def __init__(self, folder, wraps=((), ()), host="127.0.0.1"):
        with socket.create_server((host, 0)) as free:
            self._port = free.getsockname()[1]
        self._folder, self._wraps, self._host = folder, wraps, host
        self.address = f"tcp://{host}:{self._port}"

    def __enter__(self):
        self.start_scheduler()
        self.workers = [self.start_worker(i) for i in range(len(self._wraps))]
        return self

    def __exit__(self, *_):
        for process in (self.scheduler, *self.workers):
            end(process)

    def connect(self):
        return self.connect_to(self.address)

    @staticmethod
    def connect_to(address):
        return distributed.Client(address, timeout=60, set_as_default=False)

    def start_scheduler(self):
        port = ["--host", self._host, "--port", str(self._port)]
        self.scheduler = self._start("scheduler", *port)

    def start_worker(self, i):
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", i=i)

    def replace_worker(self, i):
        end(self.workers[i])
        self.workers[i] = self.start_worker(i)

    def replace_scheduler(self):
        """End the scheduler and start another one, with workers, since its own end with it."""
        end(self.scheduler)
        self.start_scheduler()
        for i in range(len(self.workers)):
            self.replace_worker(i)

    def _start(self, what, *args, i=None):
        wrap = () if i is None else self._wraps[i]
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *args, "--no-dashboard"]
        with open(self._folder / f"{what}{'' if i is None else i}.log", "a") as log:
            return subprocess.Popen(
                [*wrap, *command],
                cwd=self._folder,
                env=os.environ | _SETTINGS,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def end(process):
    process.kill()
    process.wait()
