import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from skgenre import MelSpectrogramTransformer
from skgenre._names import hide_secrets, printable, without_secrets
from skgenre.audio import AudioError, load_audio


@pytest.mark.parametrize(
    "name",
    [
        *("Björk - Jóga.mp3", "Sigur Rós", "宇多田ヒカル", "Кино", "أم كلثوم", "הדג נחש", "ภูมิพล"),
        *(
            "हिन्दी",
            "ガレージ　ロック",
            "می‌خواهم",
            "👩‍🎤❤️",
            "R&B / Soul",
            "A$AP",
            r"C:\Music",
            "a  b",
            "",
        ),
        "e\u0301te\u0301",
    ],
)
def test_names_of_every_language_stay(name):
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202egnp.exe\u2069", r"\u202egnp.exe\u2069"),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
        ("\x85\u2028\u2029\u00a0\ufeff", r"\x85\u2028\u2029\xa0\ufeff"),
        ("rock ", r"rock\x20"),
        ("  rock", r"\x20\x20rock"),
        (" ", r"\x20"),
        ("rock\u3000", r"rock\u3000"),
        ("music/rock /song", r"music/rock\x20/song"),
        ("music/ rock/song", r"music/\x20rock/song"),
        ("zero\u200bwidth\u200d", r"zero\u200bwidth\u200d"),
        ("\u3164", r"\u3164"),
        ("tag\U000e0041", r"tag\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_escaped(name, shown):
    assert printable(name) == shown
    assert shown.isprintable()


def test_what_is_no_string_is_shown_as_one():
    assert printable(np.str_("a\n")) == r"a\n"
    assert printable(3) == "3"


def test_errors_of_files_with_odd_names():
    odd = os.fsdecode(b"no\n\x1b[2J\xe9 ")
    with pytest.raises(AudioError) as caught:
        load_audio(odd)
    assert str(caught.value) == r"no\n\x1b[2J\udce9\x20: no such file"
    assert list(caught.value.failures) == [odd]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    two = AudioError({odd: "two\nlines", "b": "\x1b[2J"})
    assert str(two).splitlines()[1:] == [r"  no\n\x1b[2J\udce9\x20: two\nlines", r"  b: \x1b[2J"]


def test_warnings_of_files_with_odd_names():
    odd = os.fsdecode(b"no\xe9\n")
    transformer = MelSpectrogramTransformer(duration=1.0, on_error="nan")
    with pytest.warns(UserWarning, match=r"no\\udce9\\n: no such file") as caught:
        transformer.fit_transform([odd])
    assert str(caught[0].message).encode()


def test_an_error_can_be_printed_where_the_terminal_is_strict():
    program = "from skgenre.audio import AudioError; print(AudioError({'\\udce9': 'gone'}))"
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "\\udce9: gone\n"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:word@host/song.mp3?Signature=a", "https://host/song.mp3"),
        ("https://me:wo@rd@host/song.mp3", "https://host/song.mp3"),
        ("s3://me:wo/rd@bucket/song.mp3", "s3://bucket/song.mp3"),
        ("ftp://me:word@host:21/song.mp3", "ftp://host:21/song.mp3"),
        ("http://host:8000/a@b.mp3", "http://host:8000/a@b.mp3"),
        ("s3://bucket/a@b.mp3", "s3://bucket/a@b.mp3"),
    ],
)
def test_secrets_of_addresses_are_not_shown(address, shown):
    assert without_secrets(address) == shown
    assert hide_secrets(f"GET '{address} failed") == f"GET '{shown} failed"
