"""Songs that are not on this machine are read as those that are, or it is said why not."""

from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from numpy.testing import assert_array_equal

from skgenre import (
    MelSpectrogramTransformer,
    MFCCSegmenter,
    extract_corpus,
    find_faults,
    load_audio,
    read_blocks,
)
from skgenre.audio import AudioError
from skgenre.audio import _remote as remote
from skgenre.datasets import load_genre_folder, load_music_library


class Troubled(MemoryFileSystem):
    """A store of which each test says what goes wrong when a file is opened."""

    protocol = "troubled"
    store: dict = {}
    pseudo_dirs = [""]
    trouble: list = []

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("troubled://").removeprefix("me:word@"))

    def _open(self, path, mode="rb", **kwargs):
        if mode == "rb" and self.trouble:
            self.trouble.pop(0)(self, path)
        return super()._open(path, mode, **kwargs)


@pytest.fixture
def store(monkeypatch, song_files):
    """Return the addresses of songs in a store, and the list of what goes wrong there."""
    fsspec.register_implementation("troubled", Troubled, clobber=True)
    monkeypatch.setattr(Troubled, "trouble", [])
    monkeypatch.setattr(Troubled, "store", {})
    monkeypatch.setattr(Troubled, "pseudo_dirs", [""])
    monkeypatch.setattr("skgenre._servers._PAUSES", (0, 0, None))
    files = fsspec.filesystem("troubled")
    addresses = []
    for path, genre in zip(song_files[0][:6], song_files[1][:6], strict=True):
        place = f"/music/{genre}/{Path(path).name}"
        files.pipe(place, Path(path).read_bytes())
        addresses.append(f"troubled:/{place}")
    return addresses, Troubled.trouble


def raise_error(error):
    def trouble(files, path):
        raise error

    return trouble


def open_well(files, path):
    """Let nothing go wrong."""


def replace(files, path):
    """Put another file in a file's place, as long as the file was."""
    files.pipe(path, files.store[path].getvalue()[::-1])


def test_a_remote_song_is_as_a_local_one(store, song_files):
    addresses, _ = store
    for address, path in zip(addresses, song_files[0], strict=False):
        assert_array_equal(load_audio(address), load_audio(path))
    assert_array_equal(np.concatenate(list(read_blocks(addresses[0]))), load_audio(addresses[0]))
    mfcc = MFCCSegmenter(duration=1.5, n_segments=3, n_jobs=2)
    assert_array_equal(mfcc.fit_transform(addresses), mfcc.fit_transform(song_files[0][:6]))


def test_what_networks_do_for_a_moment_is_tried_again(store, song_files):
    addresses, trouble = store
    trouble += [raise_error(OSError("500")), raise_error(RuntimeError("reset by peer"))]
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))
    assert trouble == []


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(store):
    addresses, trouble = store
    trouble.append(replace)
    with pytest.raises(AudioError, match="not readable as audio"):
        load_audio(addresses[0])
    trouble += [replace] * 3
    with pytest.raises(AudioError, match="changed while it was downloaded"):
        load_audio(addresses[1])


def test_half_a_file_is_an_error(store, monkeypatch):
    addresses, _ = store
    files = fsspec.filesystem("troubled")
    whole = files.info("/" + addresses[0].split("://")[1])["size"]
    monkeypatch.setattr(
        Troubled,
        "info",
        lambda self, path, **_: {"name": path, "size": whole + 1, "type": "file", "ETag": "1"},
    )
    with pytest.raises(AudioError, match=f"{whole} of {whole + 1} bytes came"):
        load_audio(addresses[0])


@pytest.mark.parametrize(
    ("error", "said", "n_tries"),
    [
        (FileNotFoundError("k"), "no such file", 1),
        (PermissionError("key AKIA123"), "permission denied", 1),
        (
            OSError("https://me:word@host/song?Signature=abc is down"),
            "https://host/song is down",
            3,
        ),
    ],
)
def test_what_does_not_pass_is_told_without_secrets(store, error, said, n_tries):
    addresses, trouble = store
    trouble += [raise_error(error)] * 5
    with pytest.raises(AudioError, match=said) as raised:
        load_audio(addresses[0].replace("://", "://me:word@"))
    assert len(trouble) == 5 - n_tries
    assert not {"word", "abc", "AKIA123"} & set(str(raised.value).replace("@", " ").split())
    assert "word" not in str(raised.value)


def test_size_and_time_are_bounded(store, monkeypatch):
    addresses, _ = store
    monkeypatch.setattr(remote, "_MOST_BYTES", 1000)
    with pytest.raises(AudioError, match="larger than"):
        load_audio(addresses[0])
    monkeypatch.undo()
    monkeypatch.setattr(remote, "_MOST_SECONDS", -1.0)
    fsspec.register_implementation("troubled", Troubled, clobber=True)
    fsspec.filesystem("troubled").pipe("/song.wav", b"RIFF")
    with pytest.raises(AudioError, match="not downloaded within"):
        load_audio("troubled://song.wav")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("troubled://music/gone.wav", "no such file"),
        ("troubled://music/blues", "a directory"),
        ("troubled://music/song.raw", "raw samples"),
        ("troubled://empty.wav", "empty file"),
        ("nowhere://song.wav", "Protocol not known: nowhere"),
        ("s3://me:word@bucket/song.wav", "set AWS_ACCESS_KEY_ID"),
        ("s3a://me:wo/rd@bucket/song.wav", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_what_is_no_song_is_said(store, address, said):
    fsspec.filesystem("troubled").pipe("/empty.wav", b"")
    with pytest.raises(AudioError, match=said) as raised:
        load_audio(address)
    assert "rd@" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        "a b.flac",
        "Björk Jóga.flac",
        "no#1.flac",
        "100%20.flac",
        "[x]*.flac",
        "a@b.flac",
    ],
)
def test_songs_have_any_names(store, song_files, name):
    files = fsspec.filesystem("troubled")
    files.pipe(f"/odd/blues/{name}", Path(song_files[0][0]).read_bytes())
    (found,) = load_genre_folder("TROUBLED://odd").paths
    assert found == f"TROUBLED://odd/blues/{name}"
    assert_array_equal(load_audio(found), load_audio(song_files[0][0]))


def test_songs_in_the_memory_of_this_process_are_found(song_files):
    files = fsspec.filesystem("memory")
    address = "memory://mine/song.flac"
    files.pipe("/mine/song.flac", Path(song_files[0][0]).read_bytes())
    expected = load_audio(song_files[0][0])
    assert_array_equal(load_audio(address, timeout=60), expected)
    assert "unreadable" not in find_faults([address])["fault"].tolist()
    mel = MelSpectrogramTransformer(duration=1.5, n_jobs=2, timeout=60)
    assert np.isfinite(mel.fit_transform([address] * 3)).all()


def test_a_cache_cannot_be_an_address(song_files):
    mel = MelSpectrogramTransformer(duration=1.5, cache="s3://user:secret@bucket/cache")
    with pytest.raises(ValueError, match="cache='s3://bucket/cache' is an address") as raised:
        mel.fit_transform(song_files[0][:1])
    assert "secret" not in str(raised.value)


def test_features_are_cached_until_the_file_changes(store, tmp_path):
    addresses, trouble = store
    mfcc = MFCCSegmenter(duration=1.5, n_segments=3, cache=tmp_path)
    first = mfcc.fit_transform(addresses)
    trouble += [raise_error(PermissionError())] * 6
    assert_array_equal(mfcc.transform(addresses), first)
    trouble.clear()
    files = fsspec.filesystem("troubled")
    one, other = (address.removeprefix("troubled:/") for address in addresses[:2])
    files.pipe(one, files.cat(other))
    assert_array_equal(mfcc.transform(addresses)[0], first[1])


def test_remote_folders_are_listed(store):
    addresses, _ = store
    fsspec.filesystem("troubled").pipe("/music/blues/cover.jpg", b"x")
    for root in ("troubled://music", "troubled://music/"):
        songs = load_genre_folder(root)
        assert sorted(songs.paths) == sorted(addresses)
        assert songs.target_names == ["blues", "classical", "country", "disco"]
    songs = load_music_library("troubled://music", artist="folder", min_songs=1)
    assert sorted(songs.paths) == sorted(addresses)
    with pytest.raises(FileNotFoundError, match="no folder troubled://gone"):
        load_genre_folder("troubled://gone")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        load_genre_folder(addresses[0])


class Outages:
    """The store of a corpus of six songs, in chunks of four, whose songs are not always there."""

    def __init__(self, addresses, trouble, folder, read_all):
        self.addresses, self.trouble, self.out = addresses, trouble, folder / "features"
        self._undisturbed, self._read_all = folder / "undisturbed", read_all
        self._extract(self._undisturbed)

    def _extract(self, out):
        mfcc = MFCCSegmenter(duration=1.5, n_segments=3)
        return extract_corpus(mfcc, self.addresses, out, chunk=4).errors

    def extract(self, *troubles):
        """Return the numbers of songs that are not there; troubles come one for each opening."""
        self.trouble += troubles
        errors = self._extract(self.out)
        assert self.trouble == []
        return [self.addresses.index(address) for address in errors]

    def is_undisturbed(self):
        return self._read_all(self.out) == self._read_all(self._undisturbed)


@pytest.fixture
def outages(store, tmp_path, benchmarks):
    pytest.importorskip("zarr")
    return Outages(*store, tmp_path, benchmarks("_corpora").read_all)


# three tries
AWAY = [raise_error(OSError("500"))] * 3
WELL = [open_well]


def test_songs_out_of_reach_are_read_by_the_next_call(outages):
    assert outages.extract(*WELL, *AWAY, *WELL * 3, *AWAY) == [1, 5]
    assert not outages.is_undisturbed()
    assert outages.extract() == []
    assert outages.is_undisturbed()


def test_an_outage_of_all_songs_costs_nothing(outages):
    assert outages.extract(*AWAY * 6) == [*range(6)]
    assert outages.extract(*AWAY * 6) == [*range(6)]
    assert outages.extract() == []
    assert outages.is_undisturbed()


def test_while_songs_stay_out_of_reach_nothing_else_is_read_or_written(outages):
    assert outages.extract(*AWAY, *WELL * 3, *AWAY) == [0, 4]
    before = {path: path.stat().st_mtime_ns for path in outages.out.rglob("*")}
    assert outages.extract(*AWAY, *AWAY) == [0, 4]
    assert before == {path: path.stat().st_mtime_ns for path in outages.out.rglob("*")}


@pytest.mark.parametrize("later", [AWAY, [raise_error(FileNotFoundError())]], ids=["away", "gone"])
def test_what_was_read_stays_when_its_song_is_lost_later(outages, later):
    assert outages.extract(*WELL * 3, *AWAY) == [3]
    # the fourth song is there, also when all of its chunk are read, but the second is not
    assert outages.extract(*WELL * 2, *later) == []
    assert outages.is_undisturbed()


@pytest.mark.parametrize(
    "error", [FileNotFoundError(), PermissionError(), ValueError("no address")]
)
def test_what_does_not_pass_is_not_read_again(outages, error):
    n_tries = 3 if isinstance(error, ValueError) else 1
    assert outages.extract(*WELL * 2, *[raise_error(error)] * n_tries) == [2]
    outages.trouble.append(raise_error(AssertionError))
    assert list(outages._extract(outages.out)) == [outages.addresses[2]]
    assert len(outages.trouble) == 1


def test_songs_that_are_gone_in_the_end_stay_in_the_errors(outages):
    assert outages.extract(*AWAY) == [0]
    assert outages.extract(*[raise_error(FileNotFoundError())] * 2) == [0]
    outages.trouble.append(raise_error(AssertionError))
    assert outages._extract(outages.out) == {outages.addresses[0]: "no such file"}
