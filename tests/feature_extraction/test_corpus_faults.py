"""A small version of `benchmarks/scale.py faults` and `machines`: no fault changes the store."""

import subprocess

import pytest

from skgenre import MelSpectrogramTransformer

pytestmark = pytest.mark.slow


def require(*command):
    """Skip a test where a command, which changes nothing, fails."""
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"this machine does not allow {' '.join(command)}")


@pytest.fixture
def corpus(benchmarks, song_files, tmp_path):
    """Return 480 songs, and the folder of their store."""
    corpora = benchmarks("_corpora")
    paths = corpora.link(song_files[0], 480, tmp_path / "songs")
    mel = MelSpectrogramTransformer(duration=1.5, n_mels=16)
    corpus = corpora.Corpus(mel, paths, 8)
    corpus.extract(tmp_path / "undisturbed")
    return corpus


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("kill_workers", {"seconds": 10, "pause": 4}),
        ("kill_scheduler", {}),
        ("kill_client", {}),
        ("fill_disk", {}),
    ],
)
def test_no_fault_changes_the_store(benchmarks, corpus, tmp_path, fault, settings):
    if fault == "fill_disk":
        require("unshare", "--map-root-user", "--mount", "true")
    run = getattr(benchmarks("_scale_faults"), fault)
    row = run(tmp_path, corpus, tmp_path / "undisturbed", **settings)
    assert row["store"] == "equal"


def test_two_machines_that_share_only_s3_write_the_same_bytes(benchmarks, corpus, tmp_path):
    for library in ("moto", "s3fs"):
        pytest.importorskip(library)
    bridge = ("ip", "link", "add", "bridge", "type", "bridge")
    require("unshare", "--map-root-user", "--net", "--mount", *bridge)
    few = corpus._replace(paths=corpus.paths[:40])
    row = benchmarks("_two_machines").run_two_machines(tmp_path, few)
    assert row["store"] == "equal, from 2 machines"
