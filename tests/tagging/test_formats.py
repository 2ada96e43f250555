"""What files of each format hold when genres have been written, read by mutagen and FFmpeg."""

import contextlib
import os
import re
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
from mutagen import apev2, flac, id3, ogg

from skgenre.tagging import FIELDS, TagChange, apply, look_at, undo

GENRES = ("Rock", "Hip-Hop/Rap", "日本の音楽")


def write(path, *values, field="genre", journal="tags.jsonl"):
    """Write values into a file and return what became of it."""
    path = str(path)
    (looked,) = look_at([path], field=field, overwrite=True)
    change = looked._replace(new=values, status="change")
    (done,) = apply([change], Path(path).with_name(journal), field=field)
    return done


def read_all(path):
    """Return all tags that mutagen reads, whatever the format."""
    media = id3.ID3(path) if path.endswith(".aac") else mutagen.File(path)
    tags = getattr(media, "tags", None) or media
    if isinstance(tags, id3.ID3):
        return {frame.HashKey: frame for frame in tags.values()}
    return {
        name.lower(): str(values).split("\0") if is_ape_text(values) else list(map(str, values))
        for name, values in dict(tags).items()
        if not isinstance(values, apev2.APEBinaryValue)
    }


def is_ape_text(values):
    return isinstance(values, apev2.APETextValue)


def read_genres(path):
    tags = read_all(path)
    if "TCON" in tags:
        return tags["TCON"].genres
    return next(tags[name] for name in ("genre", "\xa9gen", "wm/genre") if name in tags)


def read_packets(path):
    with av.open(path) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0)]
    # FFmpeg reads on into the tags behind it
    return packets[: 2 if path.endswith(".ape") else None]


def test_genres_are_values_of_their_own_and_nothing_else_changes(song):
    before = Path(song).read_bytes()
    tags = {} if song.endswith(("bare.mp3", ".aac")) else read_all(song)
    packets = read_packets(song)
    assert write(song, *GENRES) == TagChange(song, (), GENRES, "written")

    assert read_genres(song) == list(GENRES)
    assert next(look_at([song])).old == GENRES
    assert read_packets(song) == packets
    now = read_all(song)
    for name in ("TCON", "genre", "\xa9gen", "wm/genre"):
        now.pop(name, None)
    if song.endswith("ape.mp3"):
        assert (list(now["TIT2"]), list(now["TPE1"])) == (["Söng"], ["Me", "You"])
    else:
        assert now == tags
    with av.open(song) as container:
        fields = {**container.streams.audio[0].metadata, **container.metadata}
        assert "Rock" in {name.lower(): text for name, text in fields.items()}["genre"]

    assert [change.status for change in undo(Path(song).with_name("tags.jsonl"))] == ["restored"]
    assert Path(song).read_bytes() == before


@pytest.mark.parametrize("field", FIELDS)
def test_fields_are_written_where_the_format_has_them(song, field):
    done = write(song, "dreamy é", field=field)
    if field == "mood" and song.endswith(("v22.mp3", "v23.mp3")):
        assert done.status == "failed"
        assert re.search("ID3v2.[23].* has no place for a mood", done.reason)
        return
    assert done.status == "written"
    assert next(look_at([song], field=field)).old == ("dreamy é",)
    others = [other for other in FIELDS if other != field]
    assert [next(look_at([song], field=other)).old for other in others] == [(), (), ()]


def test_a_second_time_replaces_the_values_of_the_first(song):
    write(song, *GENRES, journal="first.jsonl")
    between = Path(song).read_bytes()
    assert write(song, "Jazz").old == GENRES
    assert read_genres(song) == ["Jazz"]
    list(undo(Path(song).with_name("tags.jsonl")))
    assert Path(song).read_bytes() == between


@pytest.mark.parametrize("version", [2, 3, 4])
def test_an_id3_tag_keeps_its_version_and_its_frames_to_the_bit(make_song, version):
    song = make_song(f"v2{version}.mp3" if version != 4 else "v24.mp3")
    before = song.read_bytes()
    size = id3_size(before)
    frames = before[10:size].rstrip(b"\0")
    write(song, *GENRES)
    after = song.read_bytes()
    assert after[3] == version
    assert after[10:].startswith(frames)
    assert after.endswith(before[size:])


def id3_size(data):
    return 10 + sum(byte << 7 * i for i, byte in enumerate(reversed(data[6:10])))


def test_room_in_a_tag_is_used(make_song):
    song = make_song("v24.mp3")
    write(song, "Rock")
    size = song.stat().st_size
    write(song, "Rock", "Pop")
    assert song.stat().st_size == size


def test_an_unsynchronised_tag_stays_one(make_song):
    song = make_song("bare.mp3")
    private = b"PRIV\0\0\0\x07\0\0me\0\xff\xff\x00\xe0"
    body = re.sub(rb"\xff(?=[\xe0-\xff\x00])", b"\xff\x00", private)
    header = b"ID3\3\0\x80" + bytes([0, 0, 0, len(body)])
    song.write_bytes(header + body + song.read_bytes())
    write(song, *GENRES)
    assert song.read_bytes()[10:].startswith(body)
    assert read_genres(str(song)) == list(GENRES)
    assert read_all(str(song))["PRIV:me:\xff\xff\x00\xe0"].data == b"\xff\xff\x00\xe0"


def test_frames_that_mutagen_does_not_know_or_joins_stay(make_song):
    song = make_song("bare.mp3")
    frames = [
        b"ZZZZ\0\0\0\x03\0\0abc",
        b"TXXX\0\0\0\x04\0\0\0a\0b",
        b"TXXX\0\0\0\x04\0\0\0a\0c",
        b"TIT2\0\0\0\x07\0\0\1\xfe\xff\0A\0\0",
        b"COMM\0\0\0\x0e\0\0\0eng" + b"iTun\0 0000",
    ]
    body = b"".join(frames)
    song.write_bytes(b"ID3\3\0\0" + bytes([0, 0, 0, len(body)]) + body + song.read_bytes())
    write(song, "Rock")
    write(song, "quiet", field="comment")
    after = song.read_bytes()
    assert after[10:].startswith(body)
    assert next(look_at([str(song)], field="comment")).old == ("quiet",)


def test_sizes_as_itunes_wrote_them(make_song):
    song = make_song("bare.mp3")
    picture = b"\0image/png\0\3\0" + bytes(range(255, -1, -1)) * 8
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    body = frame + b"TIT2\0\0\0\x05\0\0\3Song" + bytes(40)
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    song.write_bytes(b"ID3\4\0\0" + size + body + song.read_bytes())
    assert write(song, "Rock").status == "written"
    assert frame in song.read_bytes()


def test_id3v1_gets_the_number_of_the_genre(make_song):
    song = make_song("v1.mp3")
    before = song.read_bytes()
    write(song, "jazz", "Rock")
    assert song.read_bytes()[-128:] == before[-128:-1] + bytes([8])
    write(song, "Zouk Nouveau")
    assert song.read_bytes()[-128:] == before[-128:-1] + b"\xff"
    assert str(id3.ID3(song)["TIT2"]) == "Song"


@pytest.mark.parametrize("has_id3v1", [False, True])
def test_an_ape_tag_behind_id3_gets_the_genres_too(make_song, has_id3v1):
    song = make_song("v24.mp3")
    tags = apev2.APEv2()
    tags.update({"GENRE": "Old", "Title": "x"})
    tags.save(song)
    behind = b"TAG" + bytes(124) + b"\xff" if has_id3v1 else b""
    song.write_bytes(song.read_bytes() + behind)
    assert next(look_at([str(song)])).old == ("Old",)
    write(song, "Rock", "Pop")
    assert list(apev2.APEv2(song)["Genre"]) == ["Rock", "Pop"]
    assert apev2.APEv2(song)["Title"] == "x"
    assert read_genres(str(song)) == ["Rock", "Pop"]


def test_comments_that_are_not_utf8_stay(make_song):
    song = make_song("a.flac")
    song.write_bytes(song.read_bytes().replace("Söng".encode(), b"S\xf6xng"))
    assert write(song, "Rock").status == "written"
    assert b"TITLE=S\xf6xng" in song.read_bytes()


def test_comments_that_are_not_utf8_stay_in_ogg(make_song):
    song = make_song("b.ogg")
    pages = []
    with song.open("rb") as file, contextlib.suppress(EOFError):
        while True:
            pages.append(ogg.OggPage(file))
    pages[1].packets[0] = pages[1].packets[0].replace("Söng".encode(), b"S\xf6xng")
    song.write_bytes(b"".join(page.write() for page in pages))
    assert write(song, "Rock").status == "written"
    assert b"TITLE=S\xf6xng" in song.read_bytes()
    assert read_genres(str(song)) == ["Rock"]


@pytest.mark.parametrize("name", ["b.ogg", "c.opus"])
def test_pages_of_ogg_keep_their_numbers(make_song, name):
    song = make_song(name)
    media = mutagen.File(song)
    media["METADATA_BLOCK_PICTURE"] = "x" * 100_000
    media["TITLE"] = "S\ufffdng"
    media.save(padding=lambda info: 0)
    before, packets = song.read_bytes(), read_packets(str(song))
    assert write(song, *GENRES).status == "written"
    assert song.read_bytes().count(b"OggS") == before.count(b"OggS")
    assert song.with_name("tags.jsonl").stat().st_size < 30_000
    assert read_packets(str(song)) == packets
    assert mutagen.File(song)["METADATA_BLOCK_PICTURE"] == ["x" * 100_000]


def test_flac_blocks_stay_to_the_bit(make_song):
    song = make_song("a.flac")
    media = flac.FLAC(song)
    media.add_picture(media.pictures[0])
    media.save(padding=lambda info: 0)
    before = flac.FLAC(song)
    write(song, *GENRES)
    after = flac.FLAC(song)
    assert [b.write() for b in after.pictures] == [b.write() for b in before.pictures]
    assert after.info == before.info
    assert after.tags.vendor == before.tags.vendor


def test_a_wave_file_with_riff_information(make_song):
    song = make_song("j.wav")
    mutagen.File(song).delete()
    info = b"INFOIGNR\5\0\0\0Jazz\0\0IART\3\0\0\0Me\0\0"
    with_info = song.read_bytes() + b"LIST" + len(info).to_bytes(4, "little") + info
    size = (len(with_info) - 8).to_bytes(4, "little")
    song.write_bytes(with_info[:4] + size + with_info[8:] + b"rest")
    assert next(look_at([str(song)])).old == ("Jazz",)
    write(song, "Rock", "Pop")
    assert b"IGNR\5\0\0\0Rock\0\0IART\3\0\0\0Me\0\0" in song.read_bytes()
    assert song.read_bytes().endswith(b"rest")
    assert read_genres(str(song)) == ["Rock", "Pop"]
    assert list(read_all(str(song))["TPE1"]) == ["Me"]  # which readers of ID3 would see no more


def test_what_aiff_says_outside_of_id3_is_said_in_it(make_song):
    song = make_song("i.aiff")
    media = mutagen.File(song)
    media.delete()
    with_name = song.read_bytes() + b"NAME\0\0\0\5S\xf6ng!\0"
    song.write_bytes(b"FORM" + (len(with_name) - 8).to_bytes(4, "big") + with_name[8:])
    write(song, "Rock")
    assert (read_genres(str(song)), str(read_all(str(song))["TIT2"])) == (["Rock"], "Söng!")


@pytest.mark.parametrize(
    ("name", "genre"),
    [
        ("v24.mp3", "17"),
        ("v23.mp3", "(17)"),
        ("j.wav", "CR"),
        ("a.flac", "Rock\udcff"),
        ("v24.mp3", "Rock\0Pop"),
        ("g.wv", "Rock\0Pop"),
        ("d.m4a", " "),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(make_song, name, genre):
    song = make_song(name)
    before = song.read_bytes()
    done = write(song, genre)
    assert done.status == "failed"
    assert done.reason
    assert song.read_bytes() == before


def test_any_name_is_one_value(song):
    for genre in ("Rock/Pop", "Rock; Pop", "R&B", "é" * 5000, "\U0001f3b7"):
        assert write(song, genre).status == "written"
        assert read_genres(song) == [genre]


@pytest.mark.parametrize("ending", [".mka", ".ac3", ".caf"])
def test_formats_without_tags_have_a_reason(tmp_path, encode, ending):
    codec = {".mka": "flac", ".ac3": "ac3", ".caf": "pcm_s16le"}[ending]
    song = encode(tmp_path / f"a{ending}", np.zeros((2, 9000)), 44100, codec)
    (change,) = look_at([str(song)])
    assert (change.status, change.reason) == (
        "failed",
        "files of its kind hold no tags that can be written",
    )


def test_an_ending_that_is_wrong(make_song):
    song = make_song("a.flac")
    os.rename(song, song.with_name("a.mp3"))
    song = song.with_name("a.mp3")
    assert write(song, "Rock").status == "written"
    assert flac.FLAC(song)["genre"] == ["Rock"]
