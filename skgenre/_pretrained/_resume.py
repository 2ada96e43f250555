import hashlib
import os
import warnings
import zlib

from .._base import installed_versions
from .._checked_files import DamagedFileError, local_path, make_private_folder
from .._names import printable
from ._torch import torch

_CHECKSUM_LENGTH = 8
_BLOCK = 2**20


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
        folder = local_path(folder, "checkpoint_dir")
        make_private_folder(folder)
        self._name, self._file = name, folder / f"{name}.pt"
        others = sorted(path.name for path in folder.glob("*.pt") if path != self._file)
        if others and not self._file.exists():
            warnings.warn(
                f"The checkpoint_dir {str(folder)!r} has no stopped training of these songs and "
                f"parameters; this one starts from the beginning, and other files stay: {others}",
                stacklevel=2,
            )

    def load(self):
        """Return what was saved last; None if nothing was, or, with a warning, nothing whole."""
        if not self._file.exists():
            return None
        try:
            return self._read()
        except Exception as error:  # whatever a file made by others holds, the training begins anew
            self.warn_of_damage(error)
            return None

    def _read(self):
        if not self._file.is_file():
            raise DamagedFileError("it is not a file")
        with open(self._file, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            checksum = self._checksum(file, size - _CHECKSUM_LENGTH)
            if file.read(_BLOCK) != checksum:
                raise DamagedFileError("it does not match its checksum")
        return torch.load(self._file, map_location="cpu", weights_only=True)

    def _checksum(self, file, size):
        """Return a checksum of the name and of so many bytes, as they stand at the file's end."""
        checksum = zlib.crc32(self._name.encode())
        while size > 0 and (block := file.read(min(size, _BLOCK))):
            checksum, size = zlib.crc32(block, checksum), size - len(block)
        return f"{checksum:0{_CHECKSUM_LENGTH}x}".encode()

    def warn_of_damage(self, error):
        """Warn that the file cannot be used."""
        is_ours = isinstance(error, DamagedFileError)
        reason = error if is_ours else f"it cannot be read ({type(error).__name__})"
        warnings.warn(
            f"The stopped training {str(self._file)!r} is damaged and ignored; this one starts "
            f"from the beginning: {printable(reason)}",
            stacklevel=2,
        )

    def save(self, state):
        """Save a state; the file is the one before until all of it is written."""
        partial = self._file.with_suffix(".partial")
        torch.save(state, partial)
        with open(partial, "r+b") as file:
            # torch reads a file with something behind it, but not with something before it
            checksum = self._checksum(file, os.fstat(file.fileno()).st_size)
            file.write(checksum)
        os.replace(partial, self._file)

    def finish(self):
        """Remove the file."""
        self._file.unlink(missing_ok=True)
