"""Vorbis comments in Ogg files, whose pages mutagen writes."""

from itertools import product

from mutagen.ogg import OggPage

from . import _comments

# By mutagen's names: how a stream begins, and how many bytes of its second packet are no comments.
STREAMS = {
    "OggVorbis": (b"\x01vorbis", 7),
    "OggOpus": (b"OpusHead", 8),
    "OggFLAC": (b"\x7fFLAC", 4),
    "OggSpeex": (b"Speex   ", 0),
    "OggTheora": (b"\x80theora", 7),
}
_SEGMENT = _MOST_SEGMENTS = 255
_PAGE_SIZES = [2**12, 2**13, 2**14, 2**15, _SEGMENT * _MOST_SEGMENTS]


def set_values(file, kind, key, values):
    """Change the values of a field in a file, open for reading and writing."""
    head, n_before = STREAMS[kind]
    file.seek(0)
    page = OggPage(file)
    while not (page.packets and page.packets[0].startswith(head)):
        page = OggPage(file)
    serial = page.serial
    old: list[OggPage] = []
    while not old or not (old[-1].complete or len(old[-1].packets) > 1):
        page = OggPage(file)
        if page.serial == serial:
            old.append(page)
    packets = OggPage.to_packets(old, strict=False)
    before, comments = packets[0][:n_before], packets[0][n_before:]
    comments = _comments.set_in_block(comments, key, values)
    if kind == "OggFLAC":  # as in FLAC files, a block with its size
        before = before[:1] + len(comments).to_bytes(3, "big")
    OggPage.replace(file, old, _make_pages([before + comments, *packets[1:]], old))


def _make_pages(packets, old):
    # with as many pages as before, those that follow keep their numbers
    for size, more in product(_PAGE_SIZES, (0, 2048)):
        pages = OggPage.from_packets(packets, old[0].sequence, default_size=size, wiggle_room=more)
        if len(pages) == len(old) and all(map(_is_possible, pages)):
            return pages
    return OggPage.from_packets(packets, old[0].sequence)


def _is_possible(page):
    """Tell whether a page has no more segments than pages can have."""
    n_segments = sum(len(packet) // _SEGMENT + 1 for packet in page.packets)
    return n_segments - (not page.complete) <= _MOST_SEGMENTS
