import os
from pathlib import Path

import pytest

from skgenre.datasets._library import read_song_table


@pytest.fixture
def folder(tmp_path):
    for name in ("1.mp3", "2.mp3", "music/3.ogg", "music/a, b.flac"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def write(folder):
    """Return a function that writes a table of lines beside the songs."""

    def write(*lines, encoding="utf-8", end="\n"):
        path = folder / "songs.csv"
        path.write_bytes(end.join([*lines, ""]).encode(encoding))
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_as_spreadsheets_save_it(folder, write, encoding, end, delimiter):
    lines = [
        ["Genre", " PATH ", "year", "Artist", "album", "title"],
        ["Rock", "1.mp3", "1999", "Björk", "", ""],
        ["rock", str(folder / "2.mp3"), "", "BJÖRK", "X", "Two"],
        ["", "", "", "", "", ""],
        ["Jazz", "music/3.ogg", "", "Various Artists", "X", ""],
        ["Jazz", '"music/a, b.flac"', "", "", "", '"He said ""no"""'],
    ]
    table = write(*map(delimiter.join, lines), encoding=encoding, end=end)
    data = read_song_table(str(table))
    assert data.paths.tolist() == [
        str(folder / name) for name in ("music/3.ogg", "music/a, b.flac", "1.mp3", "2.mp3")
    ]
    assert data.target.tolist() == ["Jazz", "Jazz", "Rock", "Rock"]
    assert data.target_names == ["Jazz", "Rock"]
    assert data.artist.tolist() == [None, None, "Björk", "BJÖRK"]
    assert data.album.tolist() == ["X", None, None, "X"]
    assert data.title.tolist() == [None, 'He said "no"', None, "Two"]
    assert data.groups.tolist() == ["album x", data.paths[1], "björk", "björk"]
    assert data.left_out.paths.tolist() == []


def test_columns_that_may_be_missing(write):
    data = read_song_table(write("path,genre", "1.mp3,Rock", "2.mp3,Rock"))
    assert data.artist.tolist() == [None, None]
    assert data.groups.tolist() == data.paths.tolist()


def test_blanks_behind_commas(write):
    data = read_song_table(write("path, genre, artist", '1.mp3, x, "A, B"', "2.mp3, x, nan"))
    assert data.artist.tolist() == ["A, B", None]


def test_genres_are_mapped_chosen_and_counted(folder, write):
    table = write("path,genre", "1.mp3,Hip Hop", "2.mp3,hip-hop", "music/3.ogg,Rap")
    with pytest.warns(UserWarning, match=r"Genres with fewer than 2 songs: Rap \(1\)\."):
        data = read_song_table(table)
    assert data.target.tolist() == ["Hip Hop", "Hip Hop"]
    assert data.left_out.paths.tolist() == [str(folder / "music/3.ogg")]
    data = read_song_table(table, genre_map={"rap": "Hip-Hop"})
    assert data.target.tolist() == ["Hip-Hop"] * 3
    assert read_song_table(table, genres=["RAP"], min_songs=1).target.tolist() == ["RAP"]


def test_a_file_under_two_names_is_one_song(folder, write):
    os.symlink(folder / "1.mp3", folder / "0.mp3")
    table = write("path,genre", "0.mp3,Rock", "1.mp3,Rock", "2.mp3,Rock")
    with pytest.warns(UserWarning, match="the same file as another song"):
        data = read_song_table(table)
    assert [Path(path).name for path in data.paths] == ["1.mp3", "2.mp3"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "needs one column named 'path' .* its columns are none"),
        (["1.mp3,Rock"], r"needs one column named 'path' .* its columns are 1\.mp3, rock"),
        (["path,title", "1.mp3,x"], "needs one column named 'genre'"),
        (["path|genre", "1.mp3|x"], r"needs one column named 'path' .* are path\|genre"),
        (["path,genre,Genre", "1.mp3,x,y"], "needs one column named 'genre'"),
        (["path,genre,artist,ARTIST", "1.mp3,x,y,z"], "needs one column named 'artist'"),
        (["path,genre", "", " , "], "has no songs"),
        (["path,genre", "1.mp3,x", "", "2.mp3,", "1.mp3"], "has no genre in rows 4, 5"),
        (["path,genre", "1.mp3,\u200b"], "has no genre in row 2"),
        (["path,genre", "1.mp3,x", "2.mp3,nan"], "has no genre in row 3"),
        (["path,genre", ",x", "1.mp3,x"], "has no path in row 2"),
        (["path,genre", "music/a, b.flac,Rock"], "more cells than the first row .* in row 2"),
        (["path,genre", "1.mp3,x", "2.mp3,x", "1.mp3,y"], "an earlier row has, too, in row 4"),
        (["path,genre", '1.mp3,"x'], "is not a CSV file: unexpected end of data"),
        (["path,genre", *[f"{i}.mp3," for i in range(30)]], "rows 2, 3, .*, 11 and 20 more"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(write, lines, message):
    with pytest.raises(ValueError, match=message):
        read_song_table(write(*lines))


def test_missing_files_are_named(folder, write):
    table = write("path,genre", "1.mp3,x", "music,x", "gone\x1b.mp3,x", "Music\\3.ogg,y")
    with pytest.raises(FileNotFoundError, match=r"no file .*/music \(rows 3, 4, 5\)"):
        read_song_table(table)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv cannot be read: No such file"):
        read_song_table(folder / "nowhere.csv")
    with pytest.raises(IsADirectoryError, match=r"music cannot be read: Is a directory"):
        read_song_table(folder / "music")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused(write, encoding):
    with pytest.raises(ValueError, match=r"is not in UTF-8\. Save it as"):
        read_song_table(write("path,genre", "1.mp3,Música", encoding=encoding))
