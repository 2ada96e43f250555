def compiled(signature=None):
    """Compile a function with numba, which frees the interpreter lock and keeps the machine code.

    Where numba finds no folder that it may write to, the code is kept for this process only.

    Parameters
    ----------
    signature : str or list of str, default=None
        Types to compile for at once. ``None`` compiles for what the function is called with.

    Returns
    -------
    decorator : callable
        For a module that is imported only when used, since numba is slow to import.
    """
    import numba

    def decorate(function):
        try:
            return numba.njit(signature, cache=True, nogil=True)(function)
        except RuntimeError:
            return numba.njit(signature, nogil=True)(function)

    return decorate
