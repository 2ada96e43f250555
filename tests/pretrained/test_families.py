"""The families of encoders, as they are: their numbers beside those of transformers itself."""

import shutil
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from skgenre import Wav2VecEmbedder  # noqa: E402

SR = 16000
# what compares numbers exactly does not leave the precision to the machine
exact_embedder = partial(Wav2VecEmbedder, precision="float32", duration=None)


def load(folder):
    kinds = {
        "clap-audio": transformers.ClapAudioModel,
        "clap-projection": transformers.ClapAudioModelWithProjection,
    }
    kind = kinds.get(folder.name, transformers.AutoModel)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    return kind.from_pretrained(folder).eval(), extractor


def states_of(model, inputs, n_frames=None):
    """Return the frames of all layers, the output's last."""
    outputs = model(**inputs, output_hidden_states=True)
    states = [*outputs.hidden_states[:-1], outputs.last_hidden_state]
    return [state[0, :n_frames] for state in states]


def of_waveforms(folder, y):
    model, extractor = load(folder)
    return states_of(model, extractor([y], sampling_rate=SR, return_tensors="pt"))


def of_sew(folder, y):
    states = of_waveforms(folder, y)
    # the output has twice as many frames, and one of zeros where they would be odd
    return [*states[:-1], states[-1][: 2 * len(states[0])]]


def of_masked_frames(folder, y):
    model, extractor = load(folder)
    inputs = extractor([y], sampling_rate=SR, return_tensors="pt")
    return states_of(model, inputs, n_frames=int(inputs["attention_mask"].sum()))


def of_clap(folder, y):
    model, extractor = load(folder)
    inputs = extractor([y], sampling_rate=SR, return_tensors="pt")
    audio_model = getattr(model, "audio_model", model)
    outputs = audio_model(
        inputs["input_features"].float(),
        is_longer=torch.tensor([[False]]),
        output_hidden_states=True,
    )
    grids = [*outputs.hidden_states[:-1], outputs.last_hidden_state]
    states = [grid[0].flatten(1).T for grid in grids]
    if folder.name == "clap-audio":
        return states
    projected = model.audio_projection(outputs.pooler_output)
    return [*states, projected / projected.norm(dim=-1, keepdim=True)]


def of_whisper(folder, y):
    model, extractor = load(folder)
    inputs = extractor([y], sampling_rate=SR, return_tensors="pt")
    # 20 ms each, of a whole second
    n_frames = -(-len(y) // 320)
    states = states_of(model.get_encoder(), inputs)
    assert len(states[0]) == 50
    return [state[:n_frames] for state in states]


def of_encoder(folder, y):
    model, extractor = load(folder)
    inputs = extractor([y], sampling_rate=SR, return_tensors="pt")
    return states_of(model.get_encoder(), inputs)


def of_codec(folder, y):
    """Return what the encoder gives on the way to the codes."""
    model, extractor = load(folder)
    if folder.name == "encodec-stereo":
        inputs = {"input_values": torch.tensor(np.stack([y, y]))[None]}
    else:
        inputs = extractor([y], sampling_rate=extractor.sampling_rate, return_tensors="pt")
    caught = []
    model.encoder.register_forward_hook(lambda module, args, output: caught.append(output))
    model.encode(inputs["input_values"])
    return [caught[0][0].T]


# each with the number of its layers, beside the first
FAMILIES = {
    "conformer": (of_waveforms, 2),
    "adapted": (of_waveforms, 2),
    "unispeech": (of_waveforms, 2),
    "unispeech-sat": (of_waveforms, 2),
    "sew": (of_sew, 2),
    "sew-d": (of_sew, 2),
    "wav2vec2-bert": (of_masked_frames, 2),
    "clap": (of_clap, 2),
    "clap-fused": (of_clap, 2),
    "clap-projection": (of_clap, 2),
    "clap-audio": (of_clap, 2),
    "whisper": (of_whisper, 2),
    "speech-to-text": (of_encoder, 2),
    "moonshine": (of_encoder, 2),
    "encodec": (of_codec, 0),
    "encodec-stereo": (of_codec, 0),
    "dac": (of_codec, 0),
}
PROJECTING = ["clap", "clap-fused", "clap-projection"]
RATES = {"encodec": 24000, "encodec-stereo": 48000}


@pytest.fixture(scope="module")
def noise():
    rng = np.random.RandomState(0)
    return rng.normal(scale=0.1, size=3 * SR).astype(np.float32)


def summarized(states):
    """Return the means of all layers, and then the standard deviations."""
    statistics = [state.mean(dim=0) for state in states]
    statistics += [state.std(dim=0, correction=0) for state in states]
    return torch.cat(statistics).numpy()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n_samples", [4000, 4023, 9871])
def test_numbers_are_those_of_transformers(families, noise, name, n_samples):
    by_transformers, n_layers = FAMILIES[name]
    layers = [*range(n_layers + 1), *(["projection"] if name in PROJECTING else [])]
    embedder = exact_embedder(
        checkpoint=families / name, layers=layers, sr=RATES.get(name, SR), duration=1.0
    )
    y = noise[:n_samples]
    with torch.no_grad():
        expected = summarized(by_transformers(families / name, y))
        other = summarized(by_transformers(families / name, noise[n_samples : 2 * n_samples]))
    found = embedder.set_params(duration=n_samples / embedder.sr).fit_transform(y[np.newaxis])
    assert_allclose(found[0], expected, atol=1e-5)
    assert np.abs(found[0] - expected).max() < 0.05 * np.abs(other - expected).max()
    assert len(embedder.get_feature_names_out()) == len(expected)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_clip_gives_the_same_alone_and_among_others(families, noise, name):
    embedder = exact_embedder(checkpoint=families / name, layers="all", sr=RATES.get(name, SR))
    clips = [noise[:length] for length in (1, 2, 57, 1000, 9000, 40000)]
    clips += [noise[1000:10000], noise[2000:2057]]
    together = embedder.fit_transform(clips)
    for clip, bag in zip(clips, together, strict=True):
        assert np.isfinite(bag).all()
        assert_allclose(embedder.fit_transform([clip])[0], bag, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_silence_is_heard(families, name):
    embedder = exact_embedder(checkpoint=families / name, layers="all", duration=0.5)
    assert np.isfinite(embedder.fit_transform(np.zeros((1, SR // 2), np.float32))).all()


def test_the_silence_that_whisper_is_padded_with_is_not_counted(families, noise):
    embedder = exact_embedder(checkpoint=families / "whisper", statistics=["std", "max"])
    short, long = embedder.fit_transform([noise[:1600], np.r_[noise[:1600], np.zeros(14400)]])
    assert not np.allclose(short, long, atol=0.01)
    (one_frame,) = embedder.fit_transform([noise[:320]])
    assert_allclose(one_frame[0, :16], 0, atol=1e-6)


def test_a_checkpoint_of_whisper_without_its_decoder(families, noise, tmp_path):
    """As `WhisperForAudioClassification` saves it: what is missing is not of the encoder."""
    model, extractor = load(families / "whisper")
    other = transformers.WhisperForAudioClassification(model.config)
    other.encoder.load_state_dict(model.encoder.state_dict())
    other.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    expected = exact_embedder(checkpoint=families / "whisper").fit_transform([noise[:SR]])
    found = exact_embedder(checkpoint=tmp_path).fit_transform([noise[:SR]])
    assert_array_equal(found[0], expected[0])

    weights = dict(model.encoder.state_dict())
    del weights["layers.1.fc1.weight"]
    weights = {f"encoder.{name}": values for name, values in weights.items()}
    other.save_pretrained(tmp_path, state_dict=weights)
    embedder = exact_embedder(checkpoint=tmp_path)
    with pytest.warns(UserWarning, match=r"no weights for \['layers.1.fc1.weight'\]; they are"):
        assert np.isfinite(embedder.fit_transform([noise[:SR]])[0]).all()


@pytest.mark.parametrize("name", PROJECTING)
def test_the_projection_of_clap(families, noise, name):
    embedder = exact_embedder(
        checkpoint=families / name, layers="projection", statistics=["mean"], duration=1.0
    )
    clips = noise.reshape(3, SR)
    frame = embedder.set_output(transform="pandas").fit_transform(clips)
    assert list(frame.columns) == [f"projection_{i}_mean" for i in range(12)]
    assert_allclose(np.linalg.norm(frame, axis=1), 1, atol=1e-5)
    both = exact_embedder(
        checkpoint=families / name, layers=["projection", -1], statistics=["mean"], duration=1.0
    ).fit(clips)
    names = both.get_feature_names_out()
    assert list(names[[0, 11, 12, -1]]) == [
        "projection_0_mean",
        "projection_11_mean",
        "layer2_0_mean",
        "layer2_15_mean",
    ]
    assert_allclose(both.transform(clips)[:, :12], frame, atol=1e-6)


@pytest.mark.parametrize("name", ["clap", "whisper", "encodec-stereo"])
@pytest.mark.parametrize("excess", [1, 700, 7000])
def test_long_segments_are_heard_whole(families, noise, name, excess):
    """A segment is as its parts beside each other: of one length, and as few as can be."""
    sr = RATES.get(name, SR)
    longest = 12000 if name == "encodec-stereo" else SR
    n_samples = 2 * longest + excess
    length = -(-n_samples // 3)
    starts = [0, round((n_samples - length) / 2), n_samples - length]
    y = noise[:n_samples]
    layers = "projection" if name == "clap" else -1
    embedder = exact_embedder(
        checkpoint=families / name, layers=layers, statistics=["mean", "max"], sr=sr
    )
    (whole,) = embedder.fit_transform([y])
    parts = embedder.fit_transform([y[start : start + length] for start in starts])
    means, largest = np.split(np.stack(list(parts))[:, 0, :, 0], 2, axis=1)
    expected = np.concatenate([means.mean(axis=0), largest.max(axis=0)])
    assert_allclose(whole[0, :, 0], expected, atol=1e-4)


def test_long_segments_of_a_spectrogram_transformer(checkpoints, noise):
    embedder = exact_embedder(checkpoint=checkpoints / "ast", statistics=["mean"])
    # 64 frames, 0.655 s
    halves = embedder.fit_transform([noise[:10480], noise[10480:20960]])
    (whole,) = embedder.fit_transform([noise[:20960]])
    assert_allclose(whole, np.mean(list(halves), axis=0), atol=1e-4)
    in_segments = exact_embedder(checkpoint=checkpoints / "ast", duration=2.4, n_segments=2)
    assert in_segments.fit_transform(noise[np.newaxis]).shape == (1, 2, 32, 1)


def test_no_more_parts_than_a_batch_holds(families, noise, monkeypatch):
    from skgenre._pretrained._families import ClapFamily

    prepare, sizes = ClapFamily.prepare, []

    def note(self, segments):
        sizes.append(len(segments))
        return prepare(self, segments)

    embedder = exact_embedder(checkpoint=families / "clap", batch_size=4)
    songs = [noise, noise[::-1], noise[:SR]]
    embedder.fit(songs)  # opens the checkpoint, which prepares a segment of its own
    monkeypatch.setattr(ClapFamily, "prepare", note)
    expected = embedder.fit_transform(songs)
    assert sizes == [3, 3, 1]
    sizes.clear()
    found = embedder.set_params(batch_size=2).fit_transform(songs)
    assert max(sizes) == 2
    assert sum(sizes) == 7
    assert_allclose(np.stack(list(found)), np.stack(list(expected)), atol=1e-4)


def test_features_are_kept_by_layer(families, song_files, tmp_path):
    paths = list(song_files[0][:2])
    embedder = exact_embedder(checkpoint=families / "clap", duration=0.5, cache=tmp_path)
    last = embedder.fit_transform(paths)
    projection = embedder.set_params(layers="projection").fit_transform(paths)
    assert last.shape == (2, 32)
    assert projection.shape == (2, 24)
    assert_array_equal(embedder.transform(paths), projection)


@pytest.mark.parametrize(
    ("name", "layers", "message"),
    [
        ("clap-audio", "projection", r"clap-audio' has no projection.*to 2, its output"),
        ("whisper", [-1, "projection"], "whisper' has no projection"),
        ("encodec", 1, "encodec' has 0 alone, its output"),
        ("clap", [0, "projektion"], "must be integers or 'all', or 'projection'"),
        ("clap", ["projection", "projection"], "names a layer twice"),
        ("clap", [True], "must be integers or 'all'"),
    ],
)
def test_layers_that_are_not_there(families, noise, name, layers, message):
    with pytest.raises(ValueError, match=message):
        exact_embedder(checkpoint=families / name, layers=layers).fit([noise])


@pytest.mark.parametrize("name", ["bert", "vit", "speecht5", "univnet"])
def test_what_encodes_no_audio_is_refused_in_a_sentence(families, noise, name):
    with pytest.raises(
        ValueError, match=rf"{name}' is of type '{name}', which is not an audio encoder"
    ):
        exact_embedder(checkpoint=families / name).fit([noise])


@pytest.mark.parametrize(
    ("name", "extractor"),
    [
        ("clap", transformers.Wav2Vec2FeatureExtractor()),
        ("clap", transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1)),
        ("whisper", transformers.Wav2Vec2FeatureExtractor()),
        ("whisper", transformers.WhisperFeatureExtractor(feature_size=32, chunk_length=1)),
        ("speech-to-text", transformers.Wav2Vec2FeatureExtractor()),
        ("conformer", transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=64)),
        ("sew", transformers.SeamlessM4TFeatureExtractor(num_mel_bins=16)),
    ],
)
def test_the_extractor_of_another_model_is_refused(families, noise, tmp_path, name, extractor):
    shutil.copytree(families / name, tmp_path, dirs_exist_ok=True)
    extractor.save_pretrained(tmp_path)
    message = f"fails on the output of its feature extractor, {type(extractor).__name__};"
    with pytest.raises(ValueError, match=message):
        exact_embedder(checkpoint=tmp_path).fit_transform([noise])


def save_other(folder, config, extractor):
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    extractor.save_pretrained(folder)


def test_encoders_of_other_kinds_are_tried(tmp_path, noise):
    """Parakeet's is as most are; Mimi's model, which takes channels, is not."""
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    config = transformers.ParakeetEncoderConfig(
        **small, subsampling_conv_channels=8, num_mel_bins=16, conv_kernel_size=3
    )
    extractor = transformers.ParakeetFeatureExtractor(feature_size=16)
    save_other(tmp_path / "parakeet", config, extractor)
    embedder = exact_embedder(checkpoint=tmp_path / "parakeet", layers="all")
    bag, short = embedder.fit_transform([noise, noise[:100]])
    assert bag.shape == short.shape == (1, 64, 1)
    assert np.isfinite(short).all()

    config = transformers.MimiConfig(
        **small,
        num_filters=4,
        num_key_value_heads=2,
        upsampling_ratios=[4, 4],
        codebook_size=16,
        upsample_groups=4,
        codebook_dim=8,
        vector_quantization_hidden_dimension=8,
    )
    save_other(tmp_path / "mimi", config, transformers.EncodecFeatureExtractor())
    with pytest.raises(ValueError, match="mimi' is of type 'mimi', which is not an audio encoder"):
        exact_embedder(checkpoint=tmp_path / "mimi").fit([noise]).transform([noise])
