import hashlib
import os
import warnings
from pathlib import Path

from .._base import installed_versions
from ._torch import torch


def fingerprint(settings, *songs):
    """Return a name for a training: the same for the same settings, songs and libraries.

    Parameters
    ----------
    settings : dict
        What shapes the training.
    *songs : tuple or None
        Segments, their classes and their weights.
    """
    digest = hashlib.blake2b(digest_size=12)
    versions = installed_versions(("skgenre", "torch", "transformers"))
    digest.update(repr((sorted(settings.items()), versions)).encode())
    for of_songs in songs:
        if of_songs is None:
            continue
        segments, codes, weights = of_songs
        for segment in segments:
            digest.update(segment.tobytes())
        digest.update(codes.tobytes() + weights.tobytes())
    return digest.hexdigest()


class SavedTraining:
    """A training on disk, from which it goes on after it was stopped.

    Parameters
    ----------
    folder : path
        Where its file is, while it is not finished. It is made if it is not there.
    name : str
        As `fingerprint` returns it.
    """

    def __init__(self, folder, name):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{name}.pt"
        others = sorted(path.name for path in folder.glob("*.pt") if path != self._file)
        if others and not self._file.exists():
            warnings.warn(
                f"The checkpoint_dir {str(folder)!r} has no stopped training of these songs and "
                f"parameters; this one starts from its beginning, and those of others stay: "
                f"{others}",
                stacklevel=2,
            )

    def load(self):
        """Return what was saved last, or None."""
        if not self._file.exists():
            return None
        return torch.load(self._file, map_location="cpu", weights_only=True)

    def save(self, state):
        """Save a state; the file is the one before until all of it is written."""
        partial = self._file.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self._file)

    def finish(self):
        """Remove the file."""
        self._file.unlink(missing_ok=True)
