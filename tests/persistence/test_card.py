import re

import pytest

from skgenre import load_model, model_card

yaml = pytest.importorskip("yaml")

SCORES = (
    {
        "protocol": "artists apart",
        "accuracy": 0.61,
        "low": 0.55,
        "high": 0.67,
        "calibration_error": 0.05,
        "macro_f1": 0.6,
        "log_loss": 1.2,
        "n_songs": 323,
        "n_groups": 200,
    },
    {"protocol": "random", "accuracy": 0.75},
)


@pytest.fixture
def card_of(write, make):
    """Return a function that gives the header and the text of the card of a file."""

    def card_of(**changes):
        card = model_card(write(make.model(info=make.info._replace(**changes))))
        _, header, text = card.split("---\n", maxsplit=2)
        return yaml.safe_load(header), text

    return card_of


def test_it_says_what_the_file_says(card_of, make):
    header, text = card_of(scores=SCORES, made_by={**make.info.made_by, "recipe": "linear"})
    assert header["pipeline_tag"] == "audio-classification"
    assert "music" in header["tags"]
    assert header["metrics"] == ["accuracy", "f1", "log_loss", "calibration_error"]
    (index,) = header["model-index"]
    assert index["name"] == "linear"
    assert index["results"][0]["dataset"]["name"] == "artists apart"
    assert {"type": "accuracy", "value": 0.61} in index["results"][0]["metrics"]
    assert "# linear" in text
    assert "blues, rock, techno" in text
    assert "40 songs by 30 artists" in text
    assert "| artists apart | 0.610 (0.550 to 0.670) | 0.600 | 1.200 | 0.050 | 323 | 200 |" in text
    assert "| random | 0.750 |" in text
    assert "4000 Hz" in text
    assert "skgenre 0\\.1\\.0" in text
    assert "## Limits" in text


def test_what_the_file_does_not_say_is_not_made_up(card_of):
    header, text = card_of(learned_from={"n_songs": None, "n_artists": None})
    assert "metrics" not in header
    assert "contains no scores" in text
    assert "does not say how many songs" in text


HOSTILE = [
    "<script>alert(1)</script>",
    "[click](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "| a | b |",
    "http://evil.example",
    "`code`",
    "**bold** __bold__ ~~gone~~ $x$",
    "# heading",
    "- item",
    "1. item",
    "&lt;b&gt;",
    "a: b",
    "--- ",
    "' : {x: !!python/object/apply:os.system ['x']}",
    "<!-- ",
    "@everyone",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_make_no_markup(card_of, make, name):
    made_by = {
        "recipe": name,
        "estimator": name,
        "parameters": {name: name},
        "versions": {name: name},
        "date": name,
    }
    score = {"protocol": name, "accuracy": 0.5}
    header, text = card_of(
        genres=(name, "b", "c"), made_by=made_by, scores=(score,), aggregate="mean"
    )
    assert header["model-index"][0]["name"] == name.replace("--- ", r"---\x20").replace(
        "<!-- ", r"<!--\x20"
    )
    plain, _ = card_of()
    assert set(header) - set(plain) == {"metrics", "model-index"}
    rendered = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    tokens = [child for token in rendered.parse(text) for child in [token, *(token.children or [])]]
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "html_block",
        "html_inline",
        "image",
        "strong_open",
        "em_open",
        "code_inline",
    }
    assert "link_open" not in kinds
    assert not re.search(r"(?<!\\)https?://evil", text)
    assert len([token for token in tokens if token.type == "heading_open"]) == 8
    assert len([token for token in tokens if token.type == "th_open"]) == 4


def test_a_loaded_classifier_has_the_same_card(write):
    path = write()
    assert model_card(load_model(path)) == model_card(path)
