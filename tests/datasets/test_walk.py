import errno
import os
import shutil
import unicodedata
import warnings
from pathlib import Path

import pytest
import soundfile as sf

from skgenre.audio._formats import ENDINGS
from skgenre.datasets import load_genre_folder, load_gtzan
from skgenre.datasets._walk import find_songs


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


def put(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not opened")


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def names(data, root):
    return [path.removeprefix(f"{root}/") for path in data.paths]


def load_warned(load, *args, **kwargs):
    """Return what is loaded and the text of the one warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load(*args, **kwargs)
    (warning,) = caught
    assert warning.filename == __file__
    return data, str(warning.message)


def test_linked_folders_and_files_are_songs(root, tmp_path):
    put(tmp_path / "library" / "album" / "1.wav", tmp_path / "library" / "cd" / "2.mp3")
    put(root / "rock" / "own.wav", tmp_path / "elsewhere.ogg")
    link(root / "jazz" / "album", tmp_path / "library" / "album")
    link(root / "blues", tmp_path / "library" / "cd")
    link(root / "rock" / "linked.ogg", tmp_path / "elsewhere.ogg")
    data = load_genre_folder(root)
    assert names(data, root) == [
        *("blues/2.mp3", "jazz/album/1.wav", "rock/linked.ogg", "rock/own.wav")
    ]
    assert data.target.tolist() == ["blues", "jazz", "rock", "rock"]


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../album", "../../jazz/up"])
def test_loops_end_and_no_song_is_there_twice(root, target):
    put(root / "jazz" / "album" / "1.wav", root / "rock" / "2.wav")
    link(root / "jazz" / "album" / "back", target)
    link(root / "jazz" / "up", "..")
    assert names(load_genre_folder(root), root) == ["jazz/album/1.wav", "rock/2.wav"]


def test_links_out_of_the_folder_do_not_lead_back_into_it(root, tmp_path):
    put(root / "jazz" / "1.wav", root / "rock" / "2.wav", tmp_path / "more" / "cd" / "3.wav")
    link(tmp_path / "more" / "cd" / "back", root)
    link(tmp_path / "more" / "cd" / "up", tmp_path / "more")
    link(root / "jazz" / "more", tmp_path / "more" / "cd")
    assert names(load_genre_folder(root), root) == ["jazz/1.wav", "jazz/more/3.wav", "rock/2.wav"]


def test_a_folder_with_several_names_is_listed_once_under_its_own(root):
    put(root / "jazz" / "z album" / "cd 1" / "1.wav")
    link(root / "jazz" / "a link", "z album")
    link(root / "jazz" / "b link", "z album/cd 1")
    link(root / "swing" / "borrowed", "../jazz/z album")
    data = load_genre_folder(root)
    assert names(data, root) == ["jazz/z album/cd 1/1.wav", "swing/borrowed/cd 1/1.wav"]


def test_folders_without_permission_are_told(root, monkeypatch):
    put(root / "jazz" / "open" / "1.wav", root / "jazz" / "shut" / "2.wav", root / "rock" / "3.wav")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith(("shut", "rock")):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    data, told = load_warned(load_genre_folder, root)
    assert names(data, root) == ["jazz/open/1.wav"]
    assert told.splitlines() == [
        f"2 files or folders in {root} were left out:",
        f"  permission denied: {root}/jazz/shut and 1 more",
        "No song was found of rock (permission denied).",
    ]
    with pytest.raises(ValueError, match=r"no song of \['rock'\].*(?s:.)*permission denied"):
        load_genre_folder(root, genres=["jazz", "rock"])
    with pytest.raises(PermissionError, match="rock cannot be read: permission denied"):
        load_genre_folder(root / "rock")
    for song in ("blues.00000.wav", "shut/pop.00000.wav"):
        put(root / song)
    data, told = load_warned(load_gtzan, root)
    assert data.target.tolist() == ["blues"]
    assert "3 files or folders" in told
    assert "permission denied" in told


def test_a_genre_never_disappears_in_silence(root):
    put(
        *(root / "blues" / "1.wave", root / "blues" / "2.mp2", root / "blues" / "3.m4a"),
        *(root / "jazz" / "1.mid", root / "jazz" / "2.dff", root / "jazz" / "Mr. Blue"),
        *(root / "jazz" / "cd" / "4", root / "rock" / "cover.jpg"),
    )
    (root / "soul" / "nothing").mkdir(parents=True)
    data, told = load_warned(load_genre_folder, root)
    assert names(data, root) == ["blues/1.wave", "blues/2.mp2", "blues/3.m4a"]
    assert told.splitlines() == [
        f"4 files or folders in {root} were left out:",
        f"  no decoder reads the ending (none, .mid, .dff): {root}/jazz/1.mid and 3 more",
        "No song was found of jazz (no decoder reads the ending), rock (nothing but hidden files, "
        "pictures, texts and the like), soul (empty).",
    ]
    with pytest.raises(ValueError, match=r"no song of \['jazz'\](?s:.)*\.mid"):
        load_genre_folder(root, genres=["blues", "jazz"])
    shutil.rmtree(root / "blues")
    with pytest.raises(FileNotFoundError, match=r"No audio file(?s:.)*\.mid"):
        load_genre_folder(root)


def test_what_is_plainly_no_music_is_passed_over_in_silence(root):
    put(root / "jazz" / "1.wav")
    for name in (
        *(".hidden.wav", "._1.wav", ".DS_Store", ".album/2.wav", "Folder.JPG", "list.m3u8"),
        *("desktop.ini", "Thumbs.db", "album.cue", "README", "Icon\r", "lyrics.LRC"),
        *("@eaDir/1.wav/SYNO.jpg", "@eaDir/1.wav@SynoEAStream", "__MACOSX/._1.wav"),
    ):
        put(root / "jazz" / name)
    put(root / "$RECYCLE.BIN" / "2.wav", root / "features.csv", root / "README", root / "x.mid")
    link(root / "jazz" / "back.jpg", "nowhere")
    assert names(load_genre_folder(root), root) == ["jazz/1.wav"]


def test_broken_links_pipes_and_what_is_in_the_cloud_are_counted(root):
    put(root / "jazz" / "1.wav", root / "jazz" / ".2.mp3.icloud")
    link(root / "jazz" / "album", "/mnt/unplugged")
    link(root / "jazz" / "3.wav", "nowhere")
    link(root / "jazz" / "4.wav", "4.wav")
    link(root / "jazz" / "5.wav", "1.wav/5.wav")
    link(root / "soul", "nowhere")
    os.mkfifo(root / "jazz" / "6.wav")
    data, told = load_warned(load_genre_folder, root)
    assert names(data, root) == ["jazz/1.wav"]
    assert told.splitlines() == [
        f"7 files or folders in {root} were left out:",
        f"  a symbolic link to nothing: {root}/soul and 3 more",
        f"  no decoder reads the ending (.icloud): {root}/jazz/.2.mp3.icloud",
        f"  a symbolic link that leads back to itself: {root}/jazz/4.wav",
        f"  a pipe, socket or device: {root}/jazz/6.wav",
    ]


def test_folders_whose_path_is_too_long(root, monkeypatch):
    put(root / "jazz" / "1.wav")
    monkeypatch.chdir(root / "jazz")
    for _ in range(25):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    data, told = load_warned(load_genre_folder, root)
    assert names(data, root) == ["jazz/1.wav"]
    assert "  the path is too long: " in told


@pytest.mark.parametrize("genre", ["Música", "Éstilo", "한국", "ガレージ"])
def test_spellings_of_a_genre_that_look_alike_are_one(root, genre):
    forms = [unicodedata.normalize(form, genre) for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    put(root / forms[0] / "b.wav", root / forms[1] / "a.wav", root / f"{forms[0]} " / "c.wav")
    put(root / "other" / "d.wav")
    data = load_genre_folder(root)
    assert data.target_names == sorted([forms[0], "other"])
    assert (data.target == forms[0]).sum() == 3
    assert all(map(os.path.exists, data.paths))
    for form in (*forms, f" {genre}\n"):
        assert load_genre_folder(root, genres=[form]).target_names == [forms[0]]


def test_names_that_are_no_text(root):
    odd = os.fsdecode(b"caf\xe9")
    put(root / odd / f"{odd}.wav", root / " " / "1.wav", root / odd / "\x1b[2J\n\u202e.mid")
    data, told = load_warned(load_genre_folder, os.fsencode(root))
    assert data.target.tolist() == [" ", odd]
    assert Path(data.paths[1]).read_bytes()
    assert told.encode()
    assert "caf\\udce9/\\x1b[2J\\n\\u202e.mid" in told


def test_relative_folders(root, monkeypatch):
    put(root / "jazz" / "1.wav")
    link(root / "jazz" / "self", ".")
    monkeypatch.chdir(root)
    assert load_genre_folder(".").paths.tolist() == ["jazz/1.wav"]
    assert load_genre_folder("../root/").paths.tolist() == ["../root/jazz/1.wav"]


def test_gtzan_through_links(root, tmp_path):
    put(tmp_path / "disk" / "blues" / "blues.00000.mp3", root / "genres" / "rock.00001.WV")
    link(root / "genres" / "blues", tmp_path / "disk" / "blues")
    link(root / "genres" / "again", tmp_path / "disk" / "blues")
    link(root / "pop.00000.wav", "nowhere")
    link(root / "copies" / "rock.00001.wv", "../genres/rock.00001.WV")
    put(root / "jazz.00000.mid", root / "jazz.00001", root / "features.mid", root / "images.png")
    data, told = load_warned(load_gtzan, root)
    assert data.target.tolist() == ["blues", "rock"]
    assert data.paths[0] == f"{root}/genres/again/blues.00000.mp3"
    assert told.splitlines() == [
        f"3 files or folders in {root} were left out:",
        f"  no decoder reads the ending (.mid, none): {root}/jazz.00000.mid and 1 more",
        f"  a symbolic link to nothing: {root}/pop.00000.wav",
    ]
    with pytest.raises(ValueError, match=r"no song of \['jazz'\]"):
        load_gtzan(root, genres=["jazz"])


def test_gtzan_without_a_readable_song(root):
    put(root / "jazz.00000.mid")
    with pytest.raises(FileNotFoundError, match=r"holds no song(?s:.)*\.mid(?s:.)*Get it from"):
        load_gtzan(root)


def test_what_else_is_there_is_listed_beside_the_songs(root):
    put(root / "1.wav", root / "b" / "2.mid")
    found = find_songs(root)
    assert found.songs == [f"{root}/1.wav"]
    assert found.left_out == {f"{root}/b/2.mid": "no decoder reads the ending"}


def test_endings():
    assert all(ending == ending.lower() and ending.startswith(".") for ending in ENDINGS)
    of_libsndfile = {f".{name.lower()}" for name in sf.available_formats()} - {".raw"}
    assert of_libsndfile <= ENDINGS
    for ending in ("m4a", "m4b", "mp4", "aac", "wma", "webm", "mka", "mkv", "mov", "3gp", "ac3"):
        assert f".{ending}" in ENDINGS
    for ending in ("eac3", "dts", "ape", "wv", "tta", "mpc", "mp1", "mpga", "mp+", "amr", "tak"):
        assert f".{ending}" in ENDINGS
    assert not {".txt", ".m3u", ".jpg", ".mid", ".raw", ""} & ENDINGS
