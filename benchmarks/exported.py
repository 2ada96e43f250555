"""Every recipe as a model file and as a pickle: how far they differ, size, time and memory.

    python benchmarks/exported.py --data <folder of genres> [--names linear lda] [--rounds 3]

Each recipe is fitted on the songs, nets for two epochs, and exported. All songs are then judged by
the pipeline, by `load_model`, and, where the file takes waveform, by onnxruntime alone, which gets
the song cut as the file says. Times and memory are those of new processes, in turns, on one thread.
The recipes with ``wav2vec`` take a small net of random weights. Prints two tables of Markdown.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import onnxruntime
import pandas as pd
from _machine import describe_machine
from _process import run_alone
from sklearn.calibration import CalibratedClassifierCV

from skgenre import SelectiveClassifier, export_model, load_audio, load_model, make_genre_classifier
from skgenre._lengths import fit_length
from skgenre.datasets import load_genre_folder
from skgenre.recipes import RECIPES

EPOCHS = 2
WAV2VEC: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": (64,) * 7,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
# of a file or a pickle: from the start of the process to the answer, and its parts
ANSWER = """
import json, sys, time
t0 = time.perf_counter()
if sys.argv[1].endswith(".onnx"):
    from skgenre import load_model as load
else:
    from joblib import load
clf = load(sys.argv[1])
t1 = time.perf_counter()
clf.predict_proba([sys.argv[2]])
t2 = time.perf_counter()
clf.predict_proba([sys.argv[2]])
t3 = time.perf_counter()
print(json.dumps({"load": t1 - t0, "first": t2 - t1, "next": t3 - t2}))
"""


def make_classifiers(names, folder):
    """Yield names and unfitted classifiers: recipes, and what may be put around one."""
    around = {
        "CalibratedClassifierCV of `linear`": lambda clf: CalibratedClassifierCV(clf, cv=3),
        "SelectiveClassifier of `musicnn`": lambda clf: SelectiveClassifier(clf, cv=3),
    }
    # `best` is another name of `musicnn-both`, and `metadata` takes titles, which no file does
    recipes = [name for name in RECIPES if name not in ("best", "metadata")]
    for name in names or [*recipes, *around]:
        recipe = name.split("`")[1] if "`" in name else name
        params = {}
        if recipe.startswith("wav2vec"):
            step = "embed" if recipe == "wav2vec-embed" else "wav2vec"
            params[f"{step}__checkpoint"] = make_checkpoint(folder)
            params[f"{step}__precision"] = "float32"  # that of the file
        if recipe.startswith(("musicnn", "cnn-musicnn", "large", "wav2vec")):
            params["sr"] = 16000
        clf = make_genre_classifier(recipe, random_state=0, **params)
        clf.set_params(**{p: EPOCHS for p in clf.get_params() if p.endswith("__epochs")})
        yield name, around[name](clf) if name in around else clf


def make_checkpoint(folder):
    """Save a small net like XLS-R, of random weights, and return its path."""
    import torch
    import transformers

    torch.manual_seed(0)
    path = str(folder / "checkpoint")
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**WAV2VEC)).save_pretrained(path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(path)
    return path


def judge_waveforms(path, songs):
    """Return what onnxruntime alone says of songs, cut as the file says; None if it takes none."""
    session = onnxruntime.InferenceSession(path)
    if session.get_inputs()[0].name != "waveform":
        return None
    props = session.get_modelmeta().custom_metadata_map
    sr, cut = json.loads(props["sr"]), json.loads(props["segments"])
    answers = []
    for song in songs:
        y = load_audio(song, sr=sr, duration=cut["duration"])
        n_samples = cut["n_samples"]
        if cut["segment_duration"] is None:
            segments = fit_length(y, n_samples)[np.newaxis]
        else:
            n_segments = max(1, round(len(y) / n_samples))
            parts = np.array_split(y, range(n_samples, n_segments * n_samples, n_samples))
            segments = np.stack([fit_length(part, n_samples) for part in parts])
        answers.append(session.run(["probabilities"], {"waveform": segments})[0][0])
    return np.array(answers)


def compare(clf, stem, songs):
    """Write a fitted classifier as both; return a row of how far the answers of the file are."""
    joblib.dump(clf, f"{stem}.joblib")
    try:
        export_model(clf, f"{stem}.onnx")
    except ValueError as error:
        return {"takes": f"not exported: {error}"}
    expected = clf.predict_proba(songs.paths)
    alone = judge_waveforms(f"{stem}.onnx", songs.paths)
    row: dict[str, Any] = {"takes": "features" if alone is None else "waveform"}
    answers = {"load_model": load_model(f"{stem}.onnx").predict_proba(songs.paths), "graph": alone}
    for name, found in answers.items():
        if found is not None:
            row[name] = f"{abs(found - expected).max():.0e}"
            row[f"{name}, other genres"] = int((found.argmax(1) != expected.argmax(1)).sum())
    return row


def measure(stem, song, rounds):
    """Return sizes, seconds and memory of the file and, after it, of the pickle."""
    kinds = [f"{stem}.onnx", f"{stem}.joblib"]
    found: dict = {kind: [] for kind in kinds}
    run_alone(ANSWER, kinds[0], song)  # for what is compiled or kept on disk the first time
    for i in range(rounds):
        for kind in kinds[:: 1 if i % 2 else -1]:
            printed, peak = run_alone(ANSWER, kind, song)
            times = json.loads(next(line for line in printed.splitlines() if line[:1] == "{"))
            total = times["load"] + times["first"]
            found[kind].append({**times, "to the answer": total, "peak": peak})
    medians = {
        kind: {name: median(row[name] for row in rows) for name in rows[0]}
        for kind, rows in found.items()
    }
    file, pickle = (medians[kind] for kind in kinds)
    sizes = [f"{os.path.getsize(kind) / 1e6:.1f}" for kind in kinds]
    row = {"MB on disk": " / ".join(sizes)}
    for name in ("load", "first", "next", "to the answer"):
        row[f"{name} (s)"] = f"{file[name]:.2f} / {pickle[name]:.2f}"
    row["faster"] = f"{pickle['to the answer'] / file['to the answer']:.1f}x"
    row["peak (MB)"] = f"{file['peak']:.0f} / {pickle['peak']:.0f}"
    return row


def show(title, rows):
    print(f"\n{title}:\n")
    print(
        pd.DataFrame(rows, dtype=object).fillna("").to_markdown(index=False, disable_numparse=True)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of genres")
    parser.add_argument("--names", nargs="*", help="recipes; all if left out")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    songs = load_genre_folder(args.data)
    print(describe_machine("scikit-learn", "onnxruntime", "tensorflow", "torch"), flush=True)
    print(f"{len(songs.paths)} songs, {args.rounds} rounds")
    exact, fast = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, clf) in enumerate(make_classifiers(args.names, Path(folder))):
            stem = Path(folder, f"model{number}")
            row = compare(clf.fit(songs.paths, songs.target), stem, songs)
            exact.append({"recipe": name, **row})
            print(exact[-1], flush=True)
            if Path(f"{stem}.onnx").exists():
                fast.append({"recipe": name, **measure(stem, songs.paths[0], args.rounds)})
                print(fast[-1], flush=True)
    show("How far the file's answers are from the pipeline's", exact)
    show("The file / the pickle, each in new processes", fast)


if __name__ == "__main__":
    main()
