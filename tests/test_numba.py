"""Compiled functions work whatever becomes of the folder that their machine code is kept in."""

import subprocess
import sys

import pytest

MODULE = """
from skgenre._numba import compiled

@compiled
def double(x):
    return 2 * x
"""
RUN = "import doubling; print(doubling.double(1.5), dict(doubling.double.stats.cache_hits))"


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "doubling.py").write_text(MODULE)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))

    def call(before=""):
        result = subprocess.run(
            [sys.executable, "-c", before + RUN],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.startswith("3.0 ")
        assert not result.stderr
        return "float64" in result.stdout

    return call


def test_machine_code_is_kept(run):
    assert not run()
    assert run()


@pytest.mark.parametrize(
    ("kind", "n_bytes"),
    [
        ("nbc", 40),
        *[
            pytest.param(*other, marks=pytest.mark.slow)
            for other in (("nbi", 0), ("nbi", 40), ("nbc", 0))
        ],
    ],
)
def test_damaged_machine_code_is_made_again(run, tmp_path, kind, n_bytes):
    run()
    (file,) = (tmp_path / "cache").rglob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:n_bytes])
    assert not run()
    assert run()


def test_where_nothing_can_be_kept(run, tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    assert not run()


def test_a_full_disk(run):
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    assert not run(limit + "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); ")
