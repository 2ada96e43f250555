"""The files that the page consists of."""

import html
import shutil
import subprocess
import sys
from pathlib import Path

from .._names import printable

_FOLDER = Path(__file__).parent
_OURS = [
    "index.html",
    "page.css",
    "icon.svg",
    "page.mjs",
    "sound.mjs",
    "resample.mjs",
    "worker.mjs",
    "model_file.mjs",
]
_VENDOR = ["vendor/ort.wasm.bundle.min.mjs", "vendor/ort-wasm-simd-threaded.wasm"]
_DATA = ["musicnn_msd.onnx", "musicnn.LICENSE.md"]
_LICENSE = "onnxruntime-web.LICENSE.md"
# what the page says of its model until somebody gives it another
_MODEL_NAME = 'data-model="gtzan-10"'


def collect_files(model="gtzan-10"):
    """Return what the page consists of.

    Parameters
    ----------
    model : str or path-like, default="gtzan-10"
        The model file that judges songs: its path, or the name of one that comes along.

    Returns
    -------
    files : dict of str to bytes
        Contents by their paths, relative to ``index.html``.

    Raises
    ------
    FileNotFoundError
        If onnxruntime-web is missing, and cannot be fetched.
    ValueError
        If the file is no model, or one that takes no waveform.
    """
    from ..persistence._model_file import open_model

    opened = open_model(model)
    if not opened.takes_waveform:
        raise ValueError(
            f"{opened.name} takes features, and a browser has none. Use a model of a recipe that "
            "takes waveform, such as best or cnn-mfcc-10"
        )
    _fetch_vendor()
    names = [*_OURS, *_VENDOR, _LICENSE]
    files = {name: (_FOLDER / name).read_bytes() for name in names}
    files |= {name: (_FOLDER.parent / "data" / name).read_bytes() for name in _DATA}
    name = html.escape(printable(Path(opened.name).name))
    page = files["index.html"].decode()
    files["index.html"] = page.replace(_MODEL_NAME, f'data-model="{name}"').encode()
    files["model.onnx"] = opened.data
    return files


def export_page(folder, model="gtzan-10"):
    """Write the page as static files, which work on any host and below any path.

    Parameters
    ----------
    folder : str or path-like
        Where to write. It is made if it is not there.
    model : str or path-like, default="gtzan-10"
        The model file that judges songs: its path, or the name of one that comes along.

    Raises
    ------
    FileExistsError
        If there are other files in the folder than those of the page.
    FileNotFoundError
        If onnxruntime-web is missing, and cannot be fetched.
    ValueError
        If the file is no model, or one that takes no waveform.
    """
    folder = Path(folder)
    files = collect_files(model)
    there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    others = sorted(set(there) - set(files))
    if others:
        raise FileExistsError(
            f"{printable(folder)} has other files in it, such as {printable(others[0])}. Name a "
            "folder that is empty or not there yet"
        )
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _fetch_vendor():
    """Get onnxruntime-web where it is missing, as in a checkout."""
    if all((_FOLDER / name).exists() for name in _VENDOR):
        return
    script = _FOLDER.parents[1] / "tools" / "vendor_web.py"
    if script.exists() and shutil.which("npm"):
        done = subprocess.run([sys.executable, script], check=False)
        if done.returncode == 0:
            return
        raise FileNotFoundError("onnxruntime-web could not be fetched")
    raise FileNotFoundError(
        "onnxruntime-web is missing, which runs models in browsers. Install npm, which comes with "
        "Node.js, and "
        + ("try again" if script.exists() else "install skgenre again, or from a wheel that has it")
    )
