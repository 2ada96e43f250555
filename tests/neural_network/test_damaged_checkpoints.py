"""Folders of pretrained models that are damaged: the error names the folder, and no code is run."""

import json
import os
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from skgenre import Wav2VecClassifier, Wav2VecEmbedder  # noqa: E402


class Evil:
    def __reduce__(self):
        return os.mkdir, ("code-was-run",)


def cut(share):
    def damage(folder):
        weights = folder / "model.safetensors"
        os.truncate(weights, int(share * weights.stat().st_size))

    return damage


def flip(folder):
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[20] ^= 255
    weights.write_bytes(data)


def in_place_of_the_weights(value):
    def damage(folder):
        (folder / "model.safetensors").unlink()
        torch.save(value, folder / "pytorch_model.bin")

    return damage


def put_nan(folder):
    model = transformers.AutoModel.from_pretrained(folder)
    with torch.no_grad():
        next(model.encoder.layers[1].parameters())[0] = np.nan
    model.save_pretrained(folder)


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def change(name, **settings):
    def damage(folder):
        before = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**before, **settings}))

    return damage


DAMAGES = {
    "empty weights": cut(0),
    "half the weights": cut(0.5),
    "flipped weights": flip,
    "a weight of NaN": put_nan,
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "code": in_place_of_the_weights(Evil()),
    "a list": in_place_of_the_weights([1]),
    "empty config": write("config.json", ""),
    "config of a number": write("config.json", "5"),
    "other width": change("config.json", hidden_size=32),
    "no stride": change("config.json", conv_stride=[0, 0]),
    "extractor of a list": write("preprocessor_config.json", "[]"),
    "no sample rate": change("preprocessor_config.json", sampling_rate=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize(
    "make",
    [
        lambda **params: Wav2VecEmbedder(duration=0.1, **params),
        lambda **params: Wav2VecClassifier(segment_duration=0.05, epochs=1, **params),
    ],
    ids=["embedder", "classifier"],
)
def test_the_folder_is_named(checkpoints, tmp_path, monkeypatch, make, damage):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoints / "as-it-is", tmp_path / "model")
    damage(tmp_path / "model")
    X = np.random.RandomState(0).normal(scale=0.1, size=(4, 2000)).astype(np.float32)
    with pytest.raises((OSError, ValueError), match=str(tmp_path / "model")):
        make(checkpoint="model", precision="float32").fit(X, ["a", "b"] * 2).transform(X)
    assert not os.path.exists("code-was-run")
