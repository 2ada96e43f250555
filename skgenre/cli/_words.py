"""Numbers, as sentences have them."""


def count(n, thing):
    """Return "1 song" or "2 songs"."""
    return f"{n} {thing}{'' if n == 1 else 's'}"


def file_size(n_bytes):
    """Return a size as file managers show it."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{max(n_bytes / 1e3, 1):.0f} kB"
