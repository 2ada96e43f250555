import builtins
import os
import pickle
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from typing import IO

# What a worker may answer with: arrays, as NumPy 2 and 1 pickle them, and results of our own.
_ALLOWED = frozenset(
    {
        ("skgenre.audio._errors", "AudioError"),
        ("skgenre.audio._errors", "OutOfReachError"),
        ("skgenre.audio._examine", "Examination"),
    }
) | frozenset(
    (module, name)
    for core in ("numpy._core", "numpy.core")
    for module, name in (
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        (f"{core}.numeric", "_frombuffer"),
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.multiarray", "scalar"),
    )
)


def check_timeout(timeout):
    """Refuse what cannot be waited for."""
    if not 0 < timeout <= threading.TIMEOUT_MAX:
        raise ValueError(f"timeout must be a positive number of seconds, got {timeout!r}")


class WorkerError(Exception):
    """A worker process that crashed or did not answer in time; the text says which."""


class TooLateError(WorkerError):
    """A worker process that did not answer in time."""


class _Unpickler(pickle.Unpickler):
    """Reads the answers of a worker, which a hostile file may have taken over.

    Arrays, numbers, texts, our own results and exceptions are let in, and nothing that runs.
    """

    def find_class(self, module, name):
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        found = getattr(builtins, name, None) if module == "builtins" else None
        if isinstance(found, type) and issubclass(found, Exception):
            return found
        raise pickle.UnpicklingError(f"a worker answered with {module}.{name}")


class _Worker(subprocess.Popen):
    """A fresh interpreter that waits for calls."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(self):
        super().__init__(
            # -P: the current folder may hold files of strangers, and modules named as ours
            [sys.executable, "-P", "-m", "skgenre.audio._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.owner = os.getpid()
        try:
            _Unpickler(self.stdout).load()
        except EOFError:
            self.end()
            raise RuntimeError("A worker process did not start; it said why above") from None

    def end(self):
        """Kill and bury it, unless this is a forked child and the worker its parent's."""
        if self.owner == os.getpid():
            self.kill()
            self.wait()
        else:
            self.returncode = 0
        for pipe in (self.stdin, self.stdout):
            # what was not sent yet cannot be
            with suppress(OSError):
                pipe.close()

    def how_it_ended(self):
        """Return its signal or its exit status, in words."""
        code = self.returncode
        return f"signal {-code}" if code < 0 else f"exit status {code}"


def _end_all(workers):
    while workers:
        workers.pop().end()


class Workers:
    """Processes that run functions which may crash or hang, each started when it is needed.

    A worker is a fresh interpreter: it does not import the caller's ``__main__``, and it inherits
    neither threads nor TensorFlow. Idle workers are kept for the next call, and all of them end
    with `close`, with this object, or with the parent process. Calls may come from several threads
    at once; those that `close` cuts short raise `WorkerError`.
    """

    def __init__(self):
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._finalizer = weakref.finalize(self, _end_all, self._idle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the workers."""
        for worker in list(self._busy):
            worker.kill()
        _end_all(self._idle)

    def run(self, function, *args, timeout=None):
        """Return ``function(*args)`` from another process, or raise what it raises there.

        Parameters
        ----------
        function : callable
            A function that can be imported by name.
        *args : object
            Its arguments; they, and what it returns, are pickled.
        timeout : float, default=None
            Seconds after which the worker is killed. ``None`` waits for ever.

        Raises
        ------
        WorkerError
            If the worker crashed or did not answer in time.
        """
        # pickled twice: what the worker cannot unpickle is then an error of the call
        call = pickle.dumps((function, args), protocol=5)
        worker = self._take()
        self._busy.add(worker)
        too_late = threading.Event()

        def give_up():
            too_late.set()
            worker.kill()

        timer = threading.Timer(timeout, give_up) if timeout is not None else None
        try:
            if timer:
                timer.daemon = True
                timer.start()
            pickle.dump(call, worker.stdin, protocol=5)
            worker.stdin.flush()
            succeeded, result = _Unpickler(worker.stdout).load()
        except (EOFError, OSError, pickle.UnpicklingError):
            worker.end()
            if too_late.is_set():
                raise TooLateError(f"not decoded within {timeout:g} s") from None
            raise WorkerError(f"the decoder crashed ({worker.how_it_ended()})") from None
        except BaseException:
            # as by Ctrl-C: its answer would be taken for that of the next call
            worker.end()
            raise
        finally:
            self._busy.discard(worker)
            if timer:
                timer.cancel()
                timer.join()
        if too_late.is_set():
            worker.end()
        else:
            self._idle.append(worker)
        if succeeded:
            return result
        raise result

    def _take(self):
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return _Worker()
            if worker.owner == os.getpid() and worker.poll() is None:
                return worker
            worker.end()


_shared = Workers()


def run_isolated(function, *args, timeout):
    """Run a function in one of the workers that the whole process shares; see `Workers.run`."""
    return _shared.run(function, *args, timeout=timeout)
