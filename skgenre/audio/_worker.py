"""What a worker process of `_isolation` runs: ``python -m skgenre.audio._worker``."""

import os
import pickle
import queue
import signal
import sys
import threading


def serve(requests, replies):
    """Answer pickled calls, one after the other, until the parent hangs up."""
    calls: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, calls), daemon=True).start()
    _send("ready", replies)
    while True:
        call = calls.get()
        try:
            function, args = pickle.loads(call)
            reply = True, function(*args)
        except Exception as error:
            reply = False, error
        _send(reply, replies)


def _send(reply, replies):
    pickle.dump(reply, replies, protocol=5)
    replies.flush()


def _receive(requests, calls):
    """Take calls in a thread of its own, so that a worker ends with its parent while it works."""
    try:
        while True:
            calls.put(pickle.load(requests))
    finally:
        os._exit(0)


def main():
    """Serve on the pipes the parent gave, and lead what anyone else writes there away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    # imports before this have said on standard error what they could not do
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    sys.stdin = None
    serve(requests, replies)


if __name__ == "__main__":
    main()
