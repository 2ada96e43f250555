import errno
import hashlib
import json
import math
import os
import stat
from functools import lru_cache
from pathlib import Path

import numpy as np

from .._names import printable
from ._runtime import NetError, open_session, run
from ._schema import find_external_data, parse

# Nets that come with the package. What they hear stands in their files.
BUNDLED = {"musicnn-msd": "musicnn_msd.onnx", "musicnn-mtt": "musicnn_mtt.onnx"}
_DATA = Path(__file__).parents[1] / "data"
_MAX_FILE_BYTES = 2**31
# What a batch that goes in, or comes out, may take.
_MAX_BATCH_BYTES = 2**30


def open_net(model):
    """Return the `Net` of a bundled name or of a file, the same one while the file is the same.

    Raises
    ------
    OSError
        If the file cannot be read.
    NetError
        If it is not a net that can be used; the error names it.
    """
    if model in BUNDLED:
        path, name = _DATA / BUNDLED[model], model
    else:
        path = Path(os.fsdecode(model)).absolute()
        name = printable(path)
    try:
        if "\0" in str(path):
            raise OSError(errno.EINVAL, "a path holds no zero byte")
        file = path.stat()
        if not stat.S_ISREG(file.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        return _open(path, name, file.st_size, file.st_mtime_ns)
    except OSError as error:
        names = ", ".join(map(repr, BUNDLED))
        raise type(error)(
            f"model={printable(model)!r} is neither a bundled net ({names}) nor a file that can be "
            f"read: {error.strerror}"
        ) from error


@lru_cache(maxsize=4)
def _open(path, name, size, changed):
    if size > _MAX_FILE_BYTES:
        raise NetError(f"{name}: larger than {_MAX_FILE_BYTES / 2**30:g} GiB")
    return Net(name, path.read_bytes())


class Net:
    """A net in an ONNX file: what it takes, what it gives, and how to run it.

    Parameters
    ----------
    name : str
        What messages call it.
    data : bytes
        The file.

    Attributes
    ----------
    digest : str
        The SHA-256 of the file.
    metadata : dict of str
        What the file says of itself.
    batch_size : int or None
        Number of patches that the net takes at a time; None for any.
    shape : tuple
        The shape of a patch; None where any length will do.
    widths : dict of int
        The number of values of each output, by its name.
    """

    def __init__(self, name, data):
        self.name = name
        self.data = data
        self.digest = hashlib.sha256(data).hexdigest()
        try:
            self._check_places()
            self._session = open_session(data)
            self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
            self._read_input()
            self.widths = self._read_outputs()
        except ValueError as error:
            raise NetError(f"{name}: {error}") from error

    def _check_places(self):
        places = find_external_data(parse(self.data))
        if places:
            raise NetError(
                f"its weights lie in other files ({printable(places[0])}), which are not opened; "
                "save them inside the file"
            )

    def _read_input(self):
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = [printable(value.name) for value in inputs]
            raise NetError(f"it has {len(inputs)} inputs ({', '.join(names)}) where one is needed")
        (taken,) = inputs
        if taken.type != "tensor(float)" or len(taken.shape) < 2:
            raise NetError(
                f"its input is {taken.type} of shape {taken.shape}; it must be floats of a shape "
                "that begins with the batch"
            )
        batch_size, *shape = (size if isinstance(size, int) else None for size in taken.shape)
        n_values = math.prod(size for size in [batch_size, *shape] if size)
        if 4 * n_values > _MAX_BATCH_BYTES:
            raise NetError(f"its input has the shape {taken.shape}, more than 1 GiB")
        if batch_size == 0 or 0 in shape:
            raise NetError(f"its input has the shape {taken.shape}, which is empty")
        self._input = taken.name
        self.batch_size, self.shape = batch_size, tuple(shape)

    def _read_outputs(self):
        widths = {}
        for given in self._session.get_outputs():
            width = given.shape[1] if len(given.shape) == 2 else None
            if given.type == "tensor(float)" and isinstance(width, int) and width > 0:
                if 4 * width * (self.batch_size or 1) > _MAX_BATCH_BYTES:
                    raise NetError(f"its output {given.name!r} has more than 1 GiB")
                widths[given.name] = width
        if not widths:
            shapes = {given.name: given.shape for given in self._session.get_outputs()}
            raise NetError(f"none of its outputs is a table of floats of a known width: {shapes}")
        return widths

    def check_outputs(self, outputs):
        """Refuse names that are not outputs, names that come twice, and none at all."""
        unknown = [name for name in outputs if name not in self.widths]
        if unknown or not len(outputs) or len(set(outputs)) < len(outputs):
            raise ValueError(
                f"outputs must be some of {sorted(self.widths)}, each once, which is what "
                f"{self.name} has; got {outputs!r}"
            )

    def names_of(self, output):
        """Return the names of the values of an output: those in the file, or their numbers."""
        width = self.widths[output]
        try:
            names = json.loads(self.metadata.get(f"names_of_{output}", "null"))
        except (ValueError, RecursionError):
            names = None
        are_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
        # tables need each name once
        if are_names and len(names) == len(set(names)) == width:
            return names
        return [str(number) for number in range(width)]

    def compute(self, patches, outputs, batch_size):
        """Return outputs for patches, side by side, as (n_patches, n_values).

        Parameters
        ----------
        patches : ndarray of shape (n_patches, ...)
            As the net takes them.
        outputs : sequence of str
            Names of outputs.
        batch_size : int
            The most patches at a time, where the net takes any number.
        """
        n_together = self.batch_size or batch_size
        parts = []
        for start in range(0, len(patches), n_together):
            batch = patches[start : start + n_together]
            n_patches = len(batch)
            if self.batch_size and n_patches < n_together:
                batch = np.resize(batch, (n_together, *batch.shape[1:]))
            parts.append(self._run(batch, outputs)[:n_patches])
        return np.concatenate(parts)

    def _run(self, batch, outputs):
        try:
            found = run(self._session, list(outputs), {self._input: batch})
        except NetError as error:
            raise NetError(f"{self.name}: {error}") from error
        for name, values in zip(outputs, found, strict=True):
            if values.shape != (len(batch), self.widths[name]):
                raise NetError(
                    f"{self.name}: the output {name!r} has the shape {values.shape} where "
                    f"{(len(batch), self.widths[name])} is expected"
                )
        return np.concatenate(found, axis=1)
