def compiled(function):
    """Compile a function of arrays with numba, once for all processes that can share its cache."""
    import numba

    settings: dict = {"nogil": True, "fastmath": {"contract"}}
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        return numba.njit(**settings)(function)
