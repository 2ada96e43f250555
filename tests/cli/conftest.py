"""The command, run in this process, and songs to run it on."""

import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner

from skgenre.cli._app import app

SR = 22050


@pytest.fixture
def skgenre():
    """Return a function that runs the command; what it gives has status, stdout and stderr."""

    def run(*arguments, stdin=None):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return SimpleNamespace(status=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    return run


@pytest.fixture
def start():
    """Return a function that starts the command in a process of its own.

    It listens to Ctrl-C, also where the tests run in the background and were told not to.
    """

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "skgenre", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


@pytest.fixture(scope="session")
def _two_songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    rng = np.random.default_rng(0)
    seconds = np.arange(4 * SR) / SR
    sf.write(folder / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * seconds), SR)
    sf.write(folder / "noise.flac", rng.uniform(-0.5, 0.5, 4 * SR), SR)
    return folder


@pytest.fixture
def music(_two_songs, tmp_path):
    """Return a folder with two songs, one of them in a folder of its own, and a cover."""
    root = tmp_path / "music"
    (root / "album").mkdir(parents=True)
    shutil.copy(_two_songs / "tone.wav", root)
    shutil.copy(_two_songs / "noise.flac", root / "album")
    (root / "cover.jpg").write_bytes(b"a picture")
    return root
