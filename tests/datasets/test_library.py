import os
import shutil
import warnings
from pathlib import Path

import mutagen
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from skgenre.datasets import load_music_library

UNREAD = "its tags cannot be read"


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    path = tmp_path_factory.mktemp("silence") / "silence.flac"
    sf.write(path, np.zeros(100), 22050)
    return path


@pytest.fixture
def put(silence, tmp_path):
    """Return a function that puts a song with tags into the library."""

    def put(name, genre=None, **tags):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(silence, path)
        song = mutagen.File(path)
        song.update(tags if genre is None else {"genre": genre, **tags})
        song.save()
        return path

    return put


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "root"
    path.mkdir()
    return path


def names(data, root):
    return [path.removeprefix(f"{root}/") for path in data.paths]


def reasons(data, root):
    paths = [path.removeprefix(f"{root}/") for path in data.left_out.paths]
    return dict(zip(paths, data.left_out.reasons.tolist(), strict=True))


def load_warned(*args, **kwargs):
    """Return what is loaded and the text of the one warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load_music_library(*args, **kwargs)
    (warning,) = caught
    assert warning.filename == __file__
    return data, str(warning.message)


def test_genres_of_folders_with_artists_of_tags(root, put):
    put("Rock/B/album/2.flac", "ignored", artist="The Band", album="X", title="Two")
    put("Rock/1.flac", albumartist="the band!", artist="The Band feat. A")
    put("Jazz/cd1/3.flac", album="Blue")
    put("Jazz/cd2/4.flac", album="blue ")
    put("Jazz/5.flac")
    data = load_music_library(str(root))
    assert names(data, root) == [
        *("Jazz/5.flac", "Jazz/cd1/3.flac", "Jazz/cd2/4.flac"),
        *("Rock/1.flac", "Rock/B/album/2.flac"),
    ]
    assert data.target.tolist() == ["Jazz"] * 3 + ["Rock"] * 2
    assert data.target_names == ["Jazz", "Rock"]
    assert data.artist.tolist() == [None, None, None, "the band!", "The Band"]
    assert data.album.tolist() == [None, "Blue", "blue", None, "X"]
    assert data.title.tolist() == [None, None, None, None, "Two"]
    assert data.groups.tolist() == [
        *(f"{root}/Jazz/5.flac", "album blue", "album blue", "the band", "the band")
    ]
    assert data.left_out.paths.tolist() == []


def test_genres_of_tags(root, put):
    for i, genre in enumerate(
        ["Hip-Hop", "hip hop", "HIP HOP", "Hip-Hop", "R&B", "RnB", "r and b"]
    ):
        put(f"{i}.flac", genre)
    data = load_music_library(root, genre="tag")
    assert data.target.tolist() == ["Hip-Hop"] * 4 + ["R&B"] * 3
    assert names(data, root) == [f"{i}.flac" for i in range(7)]


def test_of_several_genres_the_first_that_is_asked_for(root, put):
    put("1.flac", ["Electronic", "Rock"])
    put("2.flac", "Alternative, Indie Rock/Rock")
    put("3.flac", "Hip-Hop/Rap")
    put("4.flac", ["Rap", "Pop"])
    put("5.flac", "Folk, World, & Country")
    data = load_music_library(root, genre="tag", min_songs=1)
    assert data.target.tolist() == [
        *("Alternative, Indie Rock/Rock", "Electronic", "Folk, World, & Country"),
        *("Hip-Hop/Rap", "Rap"),
    ]
    data = load_music_library(root, genre="tag", genres=["rock", "RAP", "country"], min_songs=1)
    assert dict(zip(names(data, root), data.target.tolist(), strict=True)) == {
        "1.flac": "rock",
        "2.flac": "rock",
        "3.flac": "RAP",
        "4.flac": "RAP",
        "5.flac": "country",
    }
    mapped = {"hip hop rap": "hiphop", "Rap": "hiphop", "rock": "guitars", "Electronic": None}
    data = load_music_library(root, genre="tag", genre_map=mapped, min_songs=1)
    assert dict(zip(names(data, root), data.target.tolist(), strict=True)) == {
        "2.flac": "guitars",
        "3.flac": "hiphop",
        "4.flac": "hiphop",
        "5.flac": "Folk, World, & Country",
    }
    assert reasons(data, root) == {"1.flac": "the map of genres leaves its genre out"}
    data = load_music_library(root, genre="tag", genre_map=mapped, genres=["Hiphop"])
    assert data.target.tolist() == ["Hiphop"] * 2
    assert reasons(data, root)["2.flac"] == "its genre is not one of `genres`"


def test_the_genres_of_folders_are_mapped_and_chosen_too(root, put):
    for name in ("Hip-Hop/1", "hip hop/2", "Rap/3", "Podcast/4", "Jazz/5", "Jazz/6"):
        put(f"{name}.flac")
    data = load_music_library(root, genre_map={"rap": "Hip Hop", "podcast": None})
    assert data.target.tolist() == ["Hip Hop"] * 3 + ["Jazz"] * 2
    mapped = {"Jazz": "jazz", "Pokla": "polka", "pop": None}
    with pytest.warns(UserWarning, match="No song is of these genres of the map: Pokla, pop."):
        load_music_library(root, genre_map=mapped)
    data = load_music_library(root, genres=["jazz"])
    assert data.target_names == ["jazz"]
    with pytest.raises(ValueError, match=r"has no song of \['Polka'\]"):
        load_music_library(root, genres=["jazz", "Polka"])


def test_a_callable_says_the_genre(root, put):
    for name in ("rock - 1", "rock - 2", "jazz - 3", "- 4", "none", "nan"):
        put(f"{name}.flac")
    seen = []

    def genre(path):
        seen.append(path)
        said = Path(path).stem.split(" -")[0]
        return {"none": None, "nan": np.nan, "jazz": " Rock\n"}.get(said, said)

    data, told = load_warned(root, genre=genre)
    assert names(data, root) == ["jazz - 3.flac", "rock - 1.flac", "rock - 2.flac"]
    assert data.target.tolist() == ["rock"] * 3
    assert set(data.paths) < set(seen)
    assert "`genre` returned None" in told
    with pytest.raises(TypeError, match=r"must return the genre as a str, .* 3 for .*- 4\.flac"):
        load_music_library(root, genre=lambda path: 3)
    assert load_music_library(root, genre=dict.fromkeys(seen, "x").get).target.tolist() == ["x"] * 6


def test_artists_of_folders(root, put):
    put("Rock/A/album/1.flac", artist="Other", album="Best")
    put("Rock/a/2.flac")
    put("Rock/3.flac", artist="Other")
    put("Rock/Various Artists/4.flac", album="Best")
    data = load_music_library(root, artist="folder")
    assert data.artist.tolist() == [None, "A", None, "a"]
    assert data.groups.tolist() == [f"{root}/Rock/3.flac", "a", "album best", "a"]
    data = load_music_library(root, genre=lambda path: "Rock", artist="folder")
    assert data.artist.tolist() == ["Rock"] * 4
    data = load_music_library(root, artist=None)
    assert data.artist.tolist() == [None] * 4
    assert data.groups.tolist() == [
        f"{root}/Rock/3.flac",
        "album best",
        "album best",
        f"{root}/Rock/a/2.flac",
    ]


def test_what_is_left_out_is_told_once(root, put):
    for i in range(3):
        put(f"{i}.flac", "Rock")
    put("polka.flac", "Polka")
    put("untagged.flac")
    (root / "broken.mp3").write_text("no music " * 100)
    (root / "empty.ogg").touch()
    (root / "song.mid").touch()
    (root / "gone.flac").symlink_to("nowhere")
    for name in (".hidden.flac", "._0.flac", "cover.jpg", "list.m3u", "desktop.ini", "Thumbs.db"):
        (root / name).touch()
    data, told = load_warned(root, genre="tag")
    assert data.target.tolist() == ["Rock"] * 3
    assert reasons(data, root) == {
        "broken.mp3": f"{UNREAD} (can't sync to MPEG frame)",
        "empty.ogg": f"{UNREAD} (empty file)",
        "gone.flac": "a symbolic link to nothing",
        "polka.flac": "its genre has fewer than 2 songs",
        "song.mid": "no decoder reads the ending",
        "untagged.flac": "no genre in its tags",
    }
    assert told.splitlines()[0] == f"6 files or folders in {root} were left out:"
    assert told.splitlines()[-1] == "Genres with fewer than 2 songs: Polka (1)."
    assert len(told.splitlines()) == 8


def test_genres_of_folders_without_a_song_are_told(root, put):
    put("Rock/1.flac")
    put("Rock/2.flac")
    put("loose.flac")
    (root / "Jazz").mkdir()
    (root / "Soul").mkdir()
    (root / "Soul" / "cover.jpg").touch()
    data, told = load_warned(root)
    assert data.target_names == ["Rock"]
    assert reasons(data, root) == {"loose.flac": "not in the folder of a genre"}
    assert told.splitlines()[-1] == (
        "No song was found of Jazz (empty), Soul (nothing but hidden files, pictures, texts and "
        "the like)."
    )


def test_a_broken_file_in_a_folder_of_a_genre_stays_a_song(root, put):
    put("Rock/1.flac")
    (root / "Rock" / "2.mp3").write_text("no music")
    data = load_music_library(root)
    assert names(data, root) == ["Rock/1.flac", "Rock/2.mp3"]
    assert data.artist.tolist() == [None, None]


def test_a_file_with_several_names_is_one_song(root, put, tmp_path):
    song = put("Rock/z.flac")
    put("Rock/y.flac")
    (root / "Rock" / "a link.flac").symlink_to(song)
    os.link(song, root / "Rock" / "zz hard link.flac")
    (root / "Jazz").mkdir()
    (root / "Jazz" / "linked").symlink_to(root / "Rock")
    (root / "Rock" / "loop").symlink_to(root)
    data, told = load_warned(root)
    assert names(data, root) == ["Rock/y.flac", "Rock/z.flac"]
    assert set(reasons(data, root).values()) == {"the same file as another song"}
    assert "the same file as another song" in told


def test_names_of_every_kind(root, put):
    odd = os.fsdecode(b"caf\xe9\n\x1b[2J \xf0\x9f\x8e\xb5")
    put(f"{odd}/{odd}.FLAC", artist="Beyoncé")
    put(f"{odd}/'quoted' \"x\".Flac", artist="BEYONCE\u0301")
    put("Éthio/1.flac", artist="日本")
    put("E\u0301thio/2.flac", artist="هند")
    data = load_music_library(root)
    assert sorted(set(data.target)) == sorted([odd, "Éthio"])
    assert data.groups.tolist().count("beyoncé") == 2
    assert all(map(os.path.exists, data.paths))


def test_a_library_without_songs(root, put):
    with pytest.raises(FileNotFoundError, match="No audio file in"):
        load_music_library(root, genre="tag")
    (root / "song.mid").touch()
    with pytest.raises(FileNotFoundError, match=r"No audio file in(?s:.)*\.mid"):
        load_music_library(root, genre="tag")
    put("1.flac")
    with pytest.raises(FileNotFoundError, match="Each sub-folder is a genre"):
        load_music_library(root)
    with pytest.raises(ValueError, match=r"no song that can be used(?s:.)*no genre in its tags"):
        load_music_library(root, genre="tag")
    with pytest.raises(ValueError, match=r"Genres with fewer than 5 songs: x \(1\)"):
        load_music_library(root, genre=lambda path: "x", min_songs=5)
    with pytest.raises(ValueError, match="the map of genres leaves its genre out"):
        load_music_library(root, genre=lambda path: "x", genre_map={"X": None})
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        load_music_library(root / "nowhere")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        load_music_library(root / "1.flac")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"genre": "artist"}, "'genre' parameter of load_music_library must be"),
        ({"artist": "album"}, "'artist' parameter of load_music_library must be"),
        ({"min_songs": 0}, "'min_songs' parameter of load_music_library must be"),
        ({"min_songs": 1.5}, "'min_songs' parameter of load_music_library must be"),
        ({"genres": "rock"}, "genres must be a list of genres"),
        ({"genres": []}, "genres must be a list of genres"),
        ({"genre_map": ["rock"]}, "genre_map must be a dict"),
        ({"genre_map": {"rock": 3}}, "genre_map must be a dict"),
        ({"genre_map": {"rock": " "}}, "genre_map must be a dict"),
        ({"genre_map": {"Hip-Hop": "a", "hip hop": "b"}}, "another spelling"),
    ],
)
def test_wrong_parameters(root, put, params, message):
    put("Rock/1.flac")
    with pytest.raises(ValueError, match=message):
        load_music_library(root, **params)


def test_groups_keep_the_songs_of_an_artist_together(root, put):
    from sklearn.model_selection import StratifiedGroupKFold

    for i in range(12):
        put(f"{'Rock' if i % 2 else 'Jazz'}/{i}.flac", artist=f"Artist {i // 4}")
    data = load_music_library(root)
    for train, test in StratifiedGroupKFold(3).split(data.paths, data.target, data.groups):
        assert not set(data.groups[train]) & set(data.groups[test])
    assert pd.DataFrame({"artist": data.artist}).artist.nunique() == 3
