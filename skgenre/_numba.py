import logging
from contextlib import suppress
from typing import Any

LOGGER = logging.getLogger(__name__)


def compiled(function):
    """Compile a function of arrays with numba, once for all processes that can share its cache.

    Where the cache cannot be read or written, the function is compiled for this process alone.
    """
    import numba
    from numba.core.caching import FunctionCache

    class ForgivingCache(FunctionCache):
        """A cache of machine code that never stands in the way of using it."""

        def load_overload(self, sig, target_context):
            kept = None
            try:
                kept = super().load_overload(sig, target_context)
            except Exception:  # whatever a damaged file raises
                with suppress(OSError):
                    self.flush()
            if kept is None:
                LOGGER.info("Compiling %s", function.__name__)
            return kept

        def save_overload(self, sig, data):
            # as when the disk is full
            with suppress(OSError):
                super().save_overload(sig, data)

    dispatcher: Any = numba.njit(nogil=True, fastmath={"contract"})(function)
    # neither the package's folder nor the user's can be written
    with suppress(RuntimeError):
        dispatcher._cache = ForgivingCache(function)
    return dispatcher
