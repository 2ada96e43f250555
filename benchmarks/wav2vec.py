"""Speed of Wav2VecEmbedder against a plain loop over the same model, and what fine-tuning takes.

    python benchmarks/wav2vec.py [--rounds 3] [--large]

The rival is what a page of transformers' documentation leads to: for each clip its feature
extractor and the model, in float32 and without gradients, then mean and standard deviation over
time. Both get the same waveforms, in turns, and use as many threads. Weights are random:
that changes neither speed nor memory. `--large` adds the 300-million model, its fine-tuning, and
the memory that it takes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import torch
import transformers
from _machine import describe_machine
from _timing import median_seconds

from skgenre import Wav2VecClassifier, Wav2VecEmbedder
from skgenre._pretrained._torch import find_device, find_precision, has_bfloat16

SR = 16000
LARGE: dict = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
}
MODELS = {
    "wav2vec2-base, 94 M": transformers.Wav2Vec2Config(),
    "hubert-base, 94 M": transformers.HubertConfig(),
    "ast, 86 M": transformers.ASTConfig(),
    "xls-r-300m, 315 M": transformers.Wav2Vec2Config(**LARGE),
}
# name of the model, clips, seconds of each, segments of each
WORK = [
    ("wav2vec2-base, 94 M", 4, 5.0, 1),
    ("wav2vec2-base, 94 M", 8, 1.0, 1),
    ("wav2vec2-base, 94 M", 1, 30.0, 10),
    ("hubert-base, 94 M", 4, 3.0, 1),
    ("ast, 86 M", 2, 10.0, 1),
]
LARGE_WORK = [("xls-r-300m, 315 M", 2, 5.0, 1)]
# batch size, accumulation, gradient checkpointing: each a step of eight segments of 5 s
TRAINING = [(8, 1, False), (2, 4, False), (2, 4, True)]


def save_model(name, folder):
    config = MODELS[name]
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    extractor = (
        transformers.ASTFeatureExtractor()
        if config.model_type == "audio-spectrogram-transformer"
        else transformers.Wav2Vec2FeatureExtractor()
    )
    extractor.save_pretrained(folder)


def plain_loop(folder, n_segments):
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()

    def embed(X):
        rows = []
        for y in X.reshape(len(X) * n_segments, -1):
            inputs = extractor(y, sampling_rate=SR, return_tensors="pt")
            with torch.no_grad():
                frames = model(**inputs).last_hidden_state[0]
            rows.append(torch.cat([frames.mean(dim=0), frames.std(dim=0, correction=0)]))
        return torch.stack(rows).numpy()

    return embed


def compare(name, n_clips, seconds, n_segments, rounds):
    X = np.random.RandomState(0).normal(scale=0.1, size=(n_clips, round(seconds * SR)))
    X = X.astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        save_model(name, folder)
        embedder = Wav2VecEmbedder(
            checkpoint=folder,
            duration=seconds,
            n_segments=n_segments if n_segments > 1 else None,
        ).fit(X)
        theirs = plain_loop(folder, n_segments)
        ours = embedder.transform(X).reshape(n_clips * n_segments, -1)
        difference = np.abs(ours - theirs(X)).max()
        contenders = {"ours": embedder.transform, "plain": theirs}
        times = median_seconds(contenders, [X], rounds)
    return {
        "model": name,
        "work": f"{n_clips} x {n_segments} of {seconds / n_segments:g} s",
        "ours (s)": times["ours"],
        "plain loop (s)": times["plain"],
        "speed-up": times["plain"] / times["ours"],
        "largest difference": difference,
    }


def train_large(folder, batch_size, gradient_accumulation_steps, gradient_checkpointing):
    """Print seconds of a step of eight segments, and the most memory of this process."""
    X = np.random.RandomState(0).normal(scale=0.1, size=(16, 5 * SR)).astype(np.float32)
    clf = Wav2VecClassifier(
        checkpoint=folder,
        batch_size=batch_size,
        gradient_accumulation_steps=gradient_accumulation_steps,
        gradient_checkpointing=gradient_checkpointing,
        epochs=1,
        random_state=0,
    ).fit(X, np.arange(16) % 2)
    n_steps = len(clf.history_["step_loss"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{clf.history_['seconds'][0] / n_steps:.1f} {peak:.1f}")


def measure_training():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        save_model("xls-r-300m, 315 M", folder)
        for settings in TRAINING:
            command = [sys.executable, __file__, "--train", folder, *map(str, map(int, settings))]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak = map(float, done.stdout.split())
            names = ("batch_size", "accumulation", "checkpointing")
            rows.append(
                {**dict(zip(names, settings, strict=True)), "step (s)": seconds, "peak (GB)": peak}
            )
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "At least one mel filter", UserWarning)
    if args.train:
        folder, batch_size, steps, thrift = args.train
        train_large(folder, int(batch_size), int(steps), bool(int(thrift)))
        return
    print(describe_machine("torch", "transformers", "numpy"))
    device = find_device("auto")
    print(f"bfloat16 on this CPU: {'yes' if has_bfloat16() else 'no'};", end=" ")
    print(f"precision='auto' on {device.type} is {find_precision('auto', device)}")
    work = WORK + (LARGE_WORK if args.large else [])
    rows = [compare(*settings, args.rounds) for settings in work]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))
    if args.large:
        print("fine-tuning xls-r-300m on steps of eight segments of 5 s:")
        print(measure_training().to_string(index=False))


if __name__ == "__main__":
    main()
