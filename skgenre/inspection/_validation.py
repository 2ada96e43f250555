import numpy as np


def check_proba(proba, n_classes):
    """Return probabilities (n, n_classes) as an array, or say why they are none."""
    proba = np.asarray(proba, dtype=float)
    if proba.ndim != 2 or proba.shape[1] != n_classes or not len(proba):
        raise ValueError(
            f"Expected probabilities of shape (n, {n_classes}), for as many genres, got "
            f"{proba.shape}"
        )
    if not (
        np.isfinite(proba).all()
        and proba.min() >= 0
        and np.allclose(proba.sum(axis=1), 1, atol=1e-2)
    ):
        raise ValueError("Probabilities must lie between 0 and 1 and sum to 1 for each row")
    return proba
