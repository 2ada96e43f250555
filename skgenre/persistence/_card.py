"""What a model file says of itself, as a page."""

import re

from .._names import printable

_LIMITS = (
    "It knows the genres above and no others: a song of another genre, or speech, also gets one of "
    "these.",
    "The boundaries of genres are vague, and people who label songs disagree.",
    "It scores higher on artists that it was trained on than on new ones. Only a protocol that "
    "keeps artists apart measures the latter.",
)
# Of a score, what it is called, and how Hugging Face calls the metric.
_METRICS = {
    "accuracy": ("Accuracy", "accuracy"),
    "macro_f1": ("F1, mean of genres", "f1"),
    "log_loss": ("Log loss", "log_loss"),
    "calibration_error": ("Calibration error", "calibration_error"),
}
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:$@^=/\"'%])")


def model_card(model):
    """Return the model card of a model file: what it was made from, and how accurate it is.

    Parameters
    ----------
    model : str, path-like or OnnxGenreClassifier
        The path of a model file, the name of an included model, or what `load_model` returned.

    Returns
    -------
    card : str
        Markdown with a YAML header, in the format of Hugging Face's model cards.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not a model file, or is damaged.

    See Also
    --------
    load_model : Loads the classifier.

    Notes
    -----
    The card repeats what the maker of the file wrote, which may be untrue. Names in the file are
    escaped, so they cannot add markup or links. It states no licence; the maker has to add one.

    Examples
    --------
    >>> from skgenre import model_card
    >>> model_card("gtzan-10").splitlines()[1]
    'library_name: skgenre'
    """
    if not hasattr(model, "predict_proba"):
        from ._classifier import load_model

        model = load_model(model)
    info = model.model.info
    sections = [
        _header(info),
        f"# {_text(_title(info))}",
        f"Classifies music into {len(info.genres)} genres from its audio. One ONNX file that "
        "contains no code, made by skgenre.",
        "## Genres\n\n" + ", ".join(map(_text, info.genres)),
        "## Use\n\n"
        "```python\n"
        "from skgenre import load_model\n\n"
        'clf = load_model("model.onnx")\n'
        'clf.predict(["song.mp3"])\n'
        "```",
        "## Training data\n\n" + _tell_data(info.learned_from),
        "## Scores\n\n" + _tell_scores(info.scores),
        "## Input\n\n" + _tell_hearing(info),
        "## How it was made\n\n" + _tell_origin(info.made_by),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in _LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _text(value):
    """Return what somebody wrote as Markdown that shows it and is nothing else."""
    return _MARKUP.sub(r"\\\1", printable(value))


def _quote(value):
    """Return what somebody wrote as a text of YAML."""
    return "'" + printable(value).replace("'", "''") + "'"


def _title(info):
    return info.made_by["recipe"] or "Music genre classifier"


def _header(info):
    lines = ["library_name: skgenre", "pipeline_tag: audio-classification"]
    lines += ["tags:", "- audio-classification", "- music", "- music-genre", "- onnx"]
    scored = [name for name in _METRICS if any(_has(row, name) for row in info.scores)]
    if scored:
        lines += ["metrics:", *(f"- {_METRICS[name][1]}" for name in scored)]
        lines += ["model-index:", f"- name: {_quote(_title(info))}", "  results:"]
        for row in info.scores:
            lines += _result(row)
    return "---\n" + "\n".join(lines) + "\n---"


def _has(row, name):
    return isinstance(row.get(name), int | float)


def _result(row):
    metrics = [name for name in _METRICS if _has(row, name)]
    if not metrics:
        return []
    protocol = _quote(row.get("protocol", "unknown"))
    lines = ["  - task:", "      type: audio-classification", "    dataset:"]
    lines += [f"      name: {protocol}", "      type: audio", "    metrics:"]
    for name in metrics:
        lines += [f"    - type: {_METRICS[name][1]}", f"      value: {row[name]:.4g}"]
    return lines


def _tell_data(learned_from):
    songs, artists = learned_from["n_songs"], learned_from["n_artists"]
    if songs is None:
        return "The file does not say how many songs it was trained on."
    of_artists = "" if artists is None else f" by {artists:,} artists"
    return f"{songs:,} songs{of_artists}."


def _tell_scores(scores):
    if not scores:
        return "The file contains no scores, so its accuracy is not known."
    columns = [name for name in _METRICS if any(_has(row, name) for row in scores)]
    names = ["Protocol", *(_METRICS[name][0] for name in columns), "Songs", "Groups"]
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for row in scores:
        cells = [_text(row.get("protocol", "unknown"))]
        cells += [_score(row, name) for name in columns]
        cells += [str(row[name]) if _has(row, name) else "" for name in ("n_songs", "n_groups")]
        lines.append("| " + " | ".join(cells) + " |")
    if any(_has(row, "low") and _has(row, "high") for row in scores):
        lines += ["", "In brackets is the interval of the accuracy."]
    return "\n".join(lines)


def _score(row, name):
    if not _has(row, name):
        return ""
    if name == "accuracy" and _has(row, "low") and _has(row, "high"):
        return f"{row[name]:.3f} ({row['low']:.3f} to {row['high']:.3f})"
    return f"{row[name]:.3f}"


def _tell_hearing(info):
    cut = info.segments
    lines = [f"- Sample rate: {info.sr:g} Hz"]
    if cut.duration is not None:
        lines.append(f"- Of each song: the first {cut.duration:g} s")
    if cut.segment_duration is not None:
        lines.append(f"- In segments of {cut.segment_duration:g} s")
    if cut.n_segments is not None:
        lines.append(f"- In {cut.n_segments} segments")
    kinds = sorted({part.transformer for part in info.features})
    lines.append(f"- Features: {', '.join(kinds)}")
    lines.append(
        "- Classifies the song as a whole"
        if info.aggregate == "song"
        else f"- Classifies segments, and the song by their {info.aggregate}"
    )
    if info.abstains is not None:
        answer, threshold = info.abstains
        when = "always" if threshold is None else f"if no genre reaches {threshold:.3f}"
        lines.append(f"- Answers {_text(answer)} {when}")
    return "\n".join(lines)


def _tell_origin(made_by):
    lines = [f"- Pipeline: {_text(made_by['estimator'])}"]
    if made_by["recipe"] is not None:
        lines.append(f"- Recipe of skgenre: {_text(made_by['recipe'])}")
    versions = ", ".join(f"{_text(k)} {_text(v)}" for k, v in sorted(made_by["versions"].items()))
    lines += [f"- Versions: {versions or 'unknown'}", f"- Date: {_text(made_by['date'])}"]
    return "\n".join(lines)
