import pytest

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
CONVOLUTIONS = {
    "conv_dim": (8, 8),
    "conv_kernel": (10, 8),
    "conv_stride": (5, 4),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
QUANTISED = {"num_codevectors_per_group": 4, "codevector_dim": 8, "proj_codevector_dim": 8}
ENCODER_DECODER = {
    "vocab_size": 20,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_target_positions": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
CLAP_AUDIO = {
    "window_size": 2,
    "num_mel_bins": 16,
    "spec_size": 32,
    "hidden_size": 16,
    "projection_dim": 12,
    "depths": [1, 1],
    "num_attention_heads": [2, 2],
    "num_hidden_layers": 2,
    "patch_embeds_hidden_size": 8,
}
FUSION = {"enable_fusion": True, "fusion_type": "aff_2d", "aff_block_r": 2}
CODEC = {"upsampling_ratios": [5, 4], "num_filters": 2, "num_lstm_layers": 1, "codebook_size": 16}
STEREO = {"sampling_rate": 48000, "chunk_length_s": 0.25, "overlap": 0.01}


@pytest.fixture(scope="session")
def families(tmp_path_factory):
    """Return a folder of tiny models of random weights, one of each family, and of none.

    The inputs of CLAP and of Whisper are at most a second long, those of the codec of two channels
    a quarter of a second.
    """
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def clap(**settings):
        return transformers.ClapConfig(
            audio_config={**CLAP_AUDIO, **settings},
            text_config={**TINY, "vocab_size": 20},
            projection_dim=12,
        )

    def mel(kind, **settings):
        return getattr(transformers, f"{kind}FeatureExtractor")(feature_size=16, **settings)

    def of_clap(truncation):
        return mel(
            "Clap",
            sampling_rate=16000,
            hop_length=256,
            max_length_s=1,
            fft_window_size=512,
            frequency_max=8000,
            truncation=truncation,
        )

    waveforms = transformers.Wav2Vec2FeatureExtractor()
    of_waveforms = {**TINY, **CONVOLUTIONS}
    kinds = {
        "conformer": (
            transformers.Wav2Vec2ConformerConfig(**of_waveforms, conv_depthwise_kernel_size=3),
            waveforms,
        ),
        "unispeech": (transformers.UniSpeechConfig(**of_waveforms, **QUANTISED), waveforms),
        "unispeech-sat": (transformers.UniSpeechSatConfig(**of_waveforms, **QUANTISED), waveforms),
        "sew": (transformers.SEWConfig(**of_waveforms), waveforms),
        "sew-d": (transformers.SEWDConfig(**of_waveforms), waveforms),
        "wav2vec2-bert": (
            transformers.Wav2Vec2BertConfig(
                **TINY, feature_projection_input_dim=32, conv_depthwise_kernel_size=3
            ),
            mel("SeamlessM4T", num_mel_bins=16),
        ),
        "clap": (clap(), of_clap("rand_trunc")),
        "clap-fused": (clap(**FUSION), of_clap("fusion")),
        "clap-projection": (transformers.ClapAudioConfig(**CLAP_AUDIO), of_clap("rand_trunc")),
        "clap-audio": (transformers.ClapAudioConfig(**CLAP_AUDIO), of_clap("rand_trunc")),
        "whisper": (
            transformers.WhisperConfig(**ENCODER_DECODER, num_mel_bins=16, max_source_positions=50),
            mel("Whisper", chunk_length=1),
        ),
        "speech-to-text": (
            transformers.Speech2TextConfig(
                **ENCODER_DECODER, conv_channels=16, input_feat_per_channel=16
            ),
            mel("Speech2Text", num_mel_bins=16),
        ),
        "moonshine": (
            transformers.MoonshineConfig(
                vocab_size=20,
                hidden_size=16,
                intermediate_size=32,
                encoder_num_hidden_layers=2,
                decoder_num_hidden_layers=1,
                encoder_num_attention_heads=2,
                decoder_num_attention_heads=2,
            ),
            transformers.Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True),
        ),
        "encodec": (
            transformers.EncodecConfig(**CODEC, hidden_size=16),
            transformers.EncodecFeatureExtractor(),
        ),
        "encodec-stereo": (
            transformers.EncodecConfig(
                **CODEC,
                **STEREO,
                hidden_size=16,
                audio_channels=2,
                normalize=True,
                use_causal_conv=False,
                norm_type="time_group_norm",
            ),
            transformers.EncodecFeatureExtractor(feature_size=2, **STEREO),
        ),
        "dac": (
            transformers.DacConfig(
                encoder_hidden_size=4,
                downsampling_ratios=[5, 4],
                decoder_hidden_size=16,
                n_codebooks=1,
                codebook_size=16,
                codebook_dim=4,
            ),
            transformers.DacFeatureExtractor(hop_length=20),
        ),
        "bert": (transformers.BertConfig(**TINY, vocab_size=20), None),
        "vit": (transformers.ViTConfig(**TINY, image_size=8, patch_size=4), None),
        "speecht5": (
            transformers.SpeechT5Config(
                **of_waveforms,
                vocab_size=20,
                encoder_layers=1,
                decoder_layers=1,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=32,
                decoder_ffn_dim=32,
                speech_decoder_prenet_units=8,
                speech_decoder_postnet_units=8,
                reduction_factor=1,
            ),
            transformers.SpeechT5FeatureExtractor(),
        ),
        "univnet": (
            transformers.UnivNetConfig(model_hidden_channels=2, num_mel_bins=8),
            transformers.UnivNetFeatureExtractor(),
        ),
        "adapted": (
            transformers.Wav2Vec2Config(**of_waveforms, add_adapter=True, output_hidden_size=24),
            waveforms,
        ),
        "adapted-16": (transformers.Wav2Vec2Config(**of_waveforms, add_adapter=True), waveforms),
    }
    classes = {
        "clap-projection": transformers.ClapAudioModelWithProjection,
        "clap-audio": transformers.ClapAudioModel,
    }
    folder = tmp_path_factory.mktemp("families")
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name, (config, extractor) in kinds.items():
            make = classes.get(name, transformers.AutoModel.from_config)
            model = make(config)
            for values in model.parameters():
                # so much that the frames differ by what is heard; EnCodec's differ as they are
                if values.ndim > 1 and config.model_type != "encodec":
                    torch.nn.init.normal_(values, std=0.3)
            model.save_pretrained(folder / name)
            if extractor is not None:
                extractor.save_pretrained(folder / name)
    return folder
