import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from skgenre.datasets import load_genre_folder, load_gtzan


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    path = tmp_path_factory.mktemp("silence") / "silence"
    sf.write(path, np.zeros(100), 22050, format="WAV")
    return path


def put(silence, *paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(silence, path)


def test_sub_folders_are_genres(tmp_path, silence):
    put(
        silence,
        tmp_path / "rock" / "b.mp3",
        tmp_path / "rock" / "An Artist" / "a.FLAC",
        tmp_path / "jazz" / "c.wav",
        tmp_path / "jazz" / ".hidden.wav",
        tmp_path / ".git" / "d.wav",
        tmp_path / "loose.wav",
        tmp_path / "rock" / "cover.jpg",
    )
    with pytest.warns(UserWarning, match=r"not in the folder of a genre: .*loose\.wav$"):
        data = load_genre_folder(str(tmp_path))
    names = [path.removeprefix(str(tmp_path)) for path in data.paths]
    assert names == ["/jazz/c.wav", "/rock/An Artist/a.FLAC", "/rock/b.mp3"]
    assert data.target.tolist() == ["jazz", "rock", "rock"]
    assert data.target_names == ["jazz", "rock"]


@pytest.mark.parametrize("load", [load_genre_folder, load_gtzan])
def test_genres_are_chosen(tmp_path, silence, load):
    for genre in ("blues", "pop", "rock"):
        put(
            silence,
            tmp_path / genre / f"{genre}.00000.wav",
            tmp_path / genre / f"{genre}.00001.wav",
        )
    data = load(tmp_path, genres=["rock", "blues"])
    assert data.target.tolist() == ["blues", "blues", "rock", "rock"]
    assert data.target_names == ["blues", "rock"]
    assert {Path(path).parent.name for path in data.paths} == {"blues", "rock"}
    with pytest.raises(ValueError, match=r"has no song of \['jazz'\]"):
        load(tmp_path, genres=["rock", "jazz"])
    with pytest.raises(ValueError, match="must be a list of genres, got 'rock'"):
        load(tmp_path, genres="rock")
    for wrong in ([], [80], 80, iter(["rock"])):
        with pytest.raises(ValueError, match="must be a list of genres, got"):
            load(tmp_path, genres=wrong)


def test_missing_folders_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere\. Give a folder"):
        load_genre_folder(tmp_path / "nowhere")
    Path(tmp_path, "a file").touch()
    with pytest.raises(NotADirectoryError, match=r"a file is not a folder\. Give a folder"):
        load_genre_folder(tmp_path / "a file")
    Path(tmp_path, "round").symlink_to("round")
    with pytest.raises(OSError, match="a symbolic link that leads back to itself"):
        load_genre_folder(tmp_path / "round")
    Path(tmp_path, "round").unlink()
    with pytest.raises(FileNotFoundError, match="No audio file in the sub-folders"):
        load_genre_folder(tmp_path)
    for home in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match=r"(?s)(no folder|holds no song).*Get it from"):
            load_gtzan(home)


@pytest.mark.parametrize(
    "layout",
    ["genres/{genre}/{song}", "Data/genres_original/{genre}/{song}", "{genre}/{song}", "{song}"],
)
@pytest.mark.parametrize("ending", ["wav", "au", "flac", "mp3", "m4a", "WMA"])
def test_gtzan_in_every_layout(tmp_path, silence, layout, ending):
    songs = ["blues.00000", "pop.00010", "disco.00000"]
    put(
        silence,
        *[
            tmp_path / f"{layout.format(genre=song.split('.')[0], song=song)}.{ending}"
            for song in songs
        ],
        tmp_path / "blues" / "other.wav",
        tmp_path / "blues" / "blues.99999.wav",
    )
    data = load_gtzan(tmp_path)
    assert [path.rsplit("/")[-1] for path in data.paths] == [
        f"{song}.{ending}" for song in sorted(songs)
    ]
    assert data.target.tolist() == ["blues", "disco", "pop"]
    assert data.artist[0] == "John Lee Hooker"
    assert data.title[0] == "One Bourbon, One Scotch And One Beer"
    assert data.artist[2] is None
    assert data.title[2] == "I'll Be Watching You"
    assert data.groups.tolist()[0::2] == ["john lee hooker", "pop.00010"]
    assert data.filtered_split[0] == "valid"
    assert "Tzanetakis" in data.DESCR
    assert "Kereliuk" in data.DESCR


def test_a_song_that_is_there_twice_is_refused(tmp_path, silence):
    put(silence, tmp_path / "a" / "blues.00000.wav", tmp_path / "b" / "blues.00000.au")
    with pytest.raises(ValueError, match=r"blues\.00000 is there twice"):
        load_gtzan(tmp_path)


def test_the_whole_index(tmp_path, silence):
    genres = ["blues", "classical", "country", "disco", "hiphop"]
    genres += ["jazz", "metal", "pop", "reggae", "rock"]
    put(silence, *[tmp_path / f"{genre}.{i:05}.wav" for genre in genres for i in range(100)])
    data = load_gtzan(tmp_path)
    assert data.target_names == genres
    assert sum(artist is not None for artist in data.artist) == 919
    splits = data.filtered_split
    assert [(splits == name).sum() for name in ("train", "valid", "test", None)] == [
        443,
        197,
        290,
        70,
    ]
    sides = {name: set(data.groups[splits == name]) for name in ("train", "valid", "test")}
    assert not sides["train"] & sides["valid"]
    assert not sides["test"] & (sides["train"] | sides["valid"])
    assert len({group for group in data.groups if group.startswith("earth wind")}) == 1
    repeated = [g for g in data.groups[data.artist != None] if (data.groups == g).sum() > 1]  # noqa: E711
    assert len(repeated) > 700
