"""Use skgenre where it was installed from its wheel, without extras, to hear files.

`make test-wheel` runs it in an environment of its own.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile

import skgenre
from skgenre import OnnxEmbedder, load_model, make_genre_classifier

SR = 22050
HEAVY = ("tensorflow", "keras", "torch", "transformers", "onnx", "matplotlib")


def main():
    """Embed and learn from files that are made here."""
    assert "site-packages" in skgenre.__file__, f"{skgenre.__file__} is not from the wheel"
    found = [package for package in HEAVY if find_spec(package)]
    assert not found, f"{found} came along"
    genres = ["noise", "tone"] * 4
    rng = np.random.RandomState(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{i}.wav") for i in range(len(genres))]
        for path, genre in zip(paths, genres, strict=True):
            noise = rng.normal(scale=0.1, size=4 * SR)
            tone = np.sin(2 * np.pi * rng.uniform(200, 400) * np.arange(4 * SR) / SR)
            soundfile.write(path, noise if genre == "noise" else 0.1 * noise + 0.5 * tone, SR)
        for model in ("musicnn-msd", "musicnn-mtt"):
            tags = OnnxEmbedder(model, duration=4.0).fit_transform(paths)
            assert tags.shape == (8, 50)
            assert tags.min() >= 0
            assert 0.1 < tags.max() <= 1
        clf = make_genre_classifier("musicnn", duration=4.0).fit(paths[:6], genres[:6])
        assert list(clf.predict(paths[6:])) == genres[6:]
        loaded = load_model("gtzan-10")
        assert len(loaded.classes_) == 10
        assert np.allclose(loaded.predict_proba(paths[:2]).sum(axis=1), 1)
        command = [Path(sys.executable).with_name("skgenre"), "predict", folder, "--format", "csv"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows = list(csv.DictReader(done.stdout.splitlines()))
        assert [row["genre"] for row in rows] == loaded.predict(paths).tolist()
        # the wheel is made without the page where there is no npm
        if shutil.which("npm"):
            page = Path(folder, "page")
            subprocess.run([command[0], "web", "--export", page], check=True)
            assert (page / "vendor" / "ort-wasm-simd-threaded.wasm").stat().st_size > 1e7


if __name__ == "__main__":
    main()
