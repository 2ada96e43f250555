"""Libraries that run threads, which a process made by a fork does not have.

What waits for one of them waits for ever. So a library that was in use when a process was forked is
refused in the new one.
"""

import os

_in_use: set[str] = set()
_lost: set[str] = set()


def _lose_threads():
    _lost.update(_in_use)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lose_threads)


def is_lost(library):
    """Tell whether a library was in use where this process was forked."""
    return library in _lost


def refuse_if_lost(library):
    """Raise a `RuntimeError` if a library was in use where this process was forked."""
    if is_lost(library):
        raise RuntimeError(
            f"{library} had been used by a net before this process was forked from its parent. It "
            "would wait here for ever, because its threads were not forked. Start processes with "
            "joblib's backend 'loky' or with multiprocessing.get_context('spawn') or 'forkserver', "
            "or fork before the first net is used or loaded from a pickle"
        )


def note_use(library):
    """Note that this process uses a library, or raise a `RuntimeError` if it cannot."""
    refuse_if_lost(library)
    _in_use.add(library)
