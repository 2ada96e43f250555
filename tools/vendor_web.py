"""Fetch the part of onnxruntime-web that the page of `skgenre web` runs models with.

It takes npm. `pip wheel` calls this, so that wheels hold the files; a checkout gets them by
``python tools/vendor_web.py``.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "onnxruntime-web@1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# the build for WebAssembly alone, with the module that loads it inside
FILES = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]
FOLDER = Path(__file__).parents[1] / "skgenre" / "web" / "vendor"


def vendor():
    """Put the files into skgenre/web/vendor, unless those of this version are there."""
    stamp = FOLDER / "version.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == PACKAGE:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"npm fetches {PACKAGE}, and is not installed; it comes with Node.js")
    with tempfile.TemporaryDirectory() as folder:
        pack = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        done = subprocess.run(pack, cwd=folder, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SystemExit(f"npm could not fetch {PACKAGE}")
        (archive,) = Path(folder).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise SystemExit(f"{PACKAGE} has the SHA-512 {found}, and not {SHA512}")
        FOLDER.mkdir(exist_ok=True)
        stamp.unlink(missing_ok=True)
        with tarfile.open(archive) as opened:
            for name in FILES:
                with opened.extractfile(f"package/dist/{name}") as source:  # type: ignore[union-attr]
                    (FOLDER / name).write_bytes(source.read())
    stamp.write_text(PACKAGE, encoding="utf-8")


if __name__ == "__main__":
    vendor()
