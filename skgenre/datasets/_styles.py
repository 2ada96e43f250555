"""Ten styles of invented music, as data: what is played when, in what harmony, on what."""

from dataclasses import dataclass

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
DOMINANT, MAJOR_7, MINOR_7 = (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10)
POWER = (0, 7, 12)

# An instrument is the amplitudes of its harmonics, attack and decay in seconds, and drive: how hard
# it is pushed into distortion.
INSTRUMENTS = {
    "piano": ((1, 0.6, 0.35, 0.25, 0.15, 0.1, 0.06), 0.004, 0.7, 0.0),
    "strings": ((1, 0.7, 0.6, 0.45, 0.4, 0.3, 0.25, 0.2, 0.15), 0.12, 4.0, 0.0),
    "organ": ((1, 0.9, 0.6, 0.7, 0.1, 0.35, 0.05, 0.3), 0.01, 5.0, 0.0),
    "guitar": ((1, 0.8, 0.55, 0.45, 0.3, 0.25, 0.15, 0.12), 0.003, 0.4, 0.0),
    "overdrive": ((1, 0.8, 0.6, 0.5, 0.35, 0.3), 0.004, 0.9, 2.5),
    "distortion": ((1, 0.9, 0.8, 0.6, 0.5, 0.45), 0.004, 1.5, 8.0),
    "synth": ((1, 0.5, 0.33, 0.25, 0.2, 0.17, 0.14, 0.12, 0.11, 0.1), 0.02, 1.5, 0.3),
    "reed": ((1, 0.15, 0.8, 0.2, 0.6, 0.2, 0.35, 0.15), 0.05, 3.0, 0.4),
    "bass": ((1, 0.5, 0.2, 0.1), 0.006, 0.5, 0.0),
    "sub": ((1, 0.08), 0.01, 0.9, 0.6),
}


@dataclass(frozen=True)
class Style:
    """What the songs of a genre share.

    Patterns have sixteen steps a bar, ``x`` where something is played; ``swing`` delays every other
    eighth by that share of a step. ``progressions`` give a root, in semitones above the key, and a
    chord for each bar.
    """

    tempo: tuple[int, int]
    kick: tuple[str, ...]
    snare: tuple[str, ...]
    hat: tuple[str, ...]
    bass: tuple[str, ...]
    comp: tuple[str, ...]
    progressions: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]
    harmony: tuple[str, ...]
    low: str
    lead: tuple[str, ...]
    lead_density: float
    bass_walk: tuple[int, ...] = (0,)
    swing: float = 0.0
    drums: float = 1.0


_SILENT = ("................",)
_BACKBEAT = ("....x.......x...", "....x.......x..x")
_EIGHTHS = ("x.x.x.x.x.x.x.x.", "xxx.x.x.xxx.x.x.")
_I_IV_V = ((0, MAJOR), (5, MAJOR), (7, MAJOR), (0, MAJOR))

STYLES = {
    "blues": Style(
        tempo=(72, 112),
        kick=("x.......x.......", "x.....x.x......."),
        snare=_BACKBEAT,
        hat=("x.x.x.x.x.x.x.x.", "x..xx..xx..xx..x"),
        bass=("x...x...x...x...", "x..xx..xx..xx..x"),
        comp=("..x...x...x...x.", "x...x...x...x..."),
        progressions=(
            tuple((root, DOMINANT) for root in (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)),
            tuple((root, DOMINANT) for root in (0, 5, 0, 0, 5, 5, 0, 0, 7, 7, 0, 0)),
        ),
        harmony=("guitar", "overdrive", "piano"),
        low="bass",
        lead=("guitar", "overdrive", "reed"),
        lead_density=0.3,
        bass_walk=(0, 4, 7, 9),
        swing=0.66,
        drums=0.7,
    ),
    "classical": Style(
        tempo=(60, 132),
        kick=_SILENT,
        snare=_SILENT,
        hat=_SILENT,
        bass=("x.......x.......", "x...............", "x...x...x...x..."),
        comp=("x.x.x.x.x.x.x.x.", "x...x...x...x...", "x..............."),
        progressions=(
            ((0, MAJOR), (7, MAJOR), (9, MINOR), (4, MINOR), (5, MAJOR), (0, MAJOR), (7, MAJOR)),
            ((0, MINOR), (5, MINOR), (7, MAJOR), (0, MINOR), (8, MAJOR), (3, MAJOR), (7, MAJOR)),
        ),
        harmony=("strings", "piano", "strings", "organ"),
        low="strings",
        lead=("strings", "piano", "reed"),
        lead_density=0.45,
        drums=0.0,
    ),
    "country": Style(
        tempo=(92, 136),
        kick=("x.......x.......",),
        snare=("....x.......x...", "..x...x...x...x."),
        hat=("x.x.x.x.x.x.x.x.", "................"),
        bass=("x.......x.......", "x.......x...x..."),
        comp=("....x..x....x..x", "..x.x.x...x.x.x."),
        progressions=(_I_IV_V, ((0, MAJOR), (0, MAJOR), (5, MAJOR), (7, MAJOR))),
        harmony=("guitar", "guitar", "piano"),
        low="bass",
        lead=("guitar", "strings", "reed"),
        lead_density=0.3,
        bass_walk=(0, 7),
        drums=0.5,
    ),
    "disco": Style(
        tempo=(108, 130),
        kick=("x...x...x...x...",),
        snare=_BACKBEAT,
        hat=("..x...x...x...x.", "x.xxx.xxx.xxx.xx"),
        bass=("x.x.x.x.x.x.x.x.", "x..xx..xx..xx..x"),
        comp=("..x..x....x..x..", "x...............", "..x...x...x...x."),
        progressions=(
            ((0, MINOR_7), (5, MINOR_7), (10, MAJOR), (3, MAJOR_7)),
            ((0, MINOR), (8, MAJOR), (10, MAJOR), (0, MINOR)),
        ),
        harmony=("strings", "guitar", "synth", "piano"),
        low="bass",
        lead=("strings", "synth", "reed"),
        lead_density=0.25,
        bass_walk=(0, 12),
    ),
    "hiphop": Style(
        tempo=(80, 104),
        kick=("x..x......x.....", "x.....x...xx....", "x.x.......x..x.."),
        snare=("....x.......x...",),
        hat=_EIGHTHS,
        bass=("x..x......x.....", "x.....x...x....."),
        comp=("x...............", "......x.......x.", "................"),
        progressions=(((0, MINOR), (0, MINOR), (8, MAJOR), (10, MAJOR)), ((0, MINOR_7),) * 2),
        harmony=("piano", "synth", "strings", "organ"),
        low="sub",
        lead=("synth", "reed", "piano"),
        lead_density=0.12,
        swing=0.2,
        drums=1.4,
    ),
    "jazz": Style(
        tempo=(110, 190),
        kick=("x...............", "................"),
        snare=("......x.......x.", "..........x....."),
        hat=("x...x.x.x...x.x.",),
        bass=("x...x...x...x...",),
        comp=("x.....x.........", "..x.......x.....", "......x.....x..."),
        progressions=(
            ((2, MINOR_7), (7, DOMINANT), (0, MAJOR_7), (0, MAJOR_7)),
            ((0, MAJOR_7), (9, DOMINANT), (2, MINOR_7), (7, DOMINANT)),
        ),
        harmony=("piano", "guitar", "piano"),
        low="bass",
        lead=("reed", "reed", "piano"),
        lead_density=0.5,
        bass_walk=(0, 4, 7, 10),
        swing=0.6,
        drums=0.45,
    ),
    "metal": Style(
        tempo=(116, 180),
        kick=("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "x..x..x.x..x..x."),
        snare=_BACKBEAT,
        hat=("x...x...x...x...", "x.x.x.x.x.x.x.x."),
        bass=("x.x.x.x.x.x.x.x.", "x..x..x.x..x..x."),
        comp=("xxx.xxx.xxx.xxx.", "x..x..x.x..x..x.", "x.x.x.x.x.x.x.x."),
        progressions=(
            ((0, POWER), (1, POWER), (0, POWER), (3, POWER)),
            ((0, POWER), (8, POWER), (10, POWER), (0, POWER)),
        ),
        harmony=("distortion", "distortion", "overdrive"),
        low="overdrive",
        lead=("distortion", "overdrive"),
        lead_density=0.2,
        drums=1.0,
    ),
    "pop": Style(
        tempo=(92, 128),
        kick=("x.......x.......", "x...x...x...x...", "x.....x.x......."),
        snare=_BACKBEAT,
        hat=_EIGHTHS,
        bass=("x...x...x...x...", "x.x.x.x.x.x.x.x.", "x.....x.x......."),
        comp=("x...x...x...x...", "x...............", "x..x..x...x..x.."),
        progressions=(
            ((0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR)),
            ((9, MINOR), (5, MAJOR), (0, MAJOR), (7, MAJOR)),
        ),
        harmony=("synth", "piano", "guitar", "strings"),
        low="bass",
        lead=("synth", "reed", "strings"),
        lead_density=0.4,
        drums=0.9,
    ),
    "reggae": Style(
        tempo=(66, 92),
        kick=("........x.......", "x.......x......."),
        snare=("........x.......", "........x.....x."),
        hat=("x.x.x.x.x.x.x.x.", "..x...x...x...x."),
        bass=("x..x..x.....x...", "x.....x.x..x....", "....x..xx......."),
        comp=("....x.......x...", "..x...x...x...x.", "....x..x....x..x"),
        progressions=(
            ((0, MAJOR), (5, MAJOR)),
            ((0, MINOR), (10, MAJOR), (0, MINOR), (5, MINOR)),
        ),
        harmony=("guitar", "organ", "piano"),
        low="sub",
        lead=("organ", "reed", "guitar"),
        lead_density=0.2,
        bass_walk=(0, 7, 12),
        swing=0.25,
        drums=0.8,
    ),
    "rock": Style(
        tempo=(104, 148),
        kick=("x.......x.x.....", "x..x....x.x.....", "x...x...x...x..."),
        snare=_BACKBEAT,
        hat=("x.x.x.x.x.x.x.x.", "x...x...x...x..."),
        bass=("x.x.x.x.x.x.x.x.", "x...x...x...x..."),
        comp=("x.x.x.x.x.x.x.x.", "x..x..x.x..x..x.", "x...x...x...x..."),
        progressions=(
            ((0, MAJOR), (10, MAJOR), (5, MAJOR), (0, MAJOR)),
            _I_IV_V,
            ((0, POWER), (3, POWER), (5, POWER), (0, POWER)),
        ),
        harmony=("overdrive", "guitar", "overdrive", "distortion"),
        low="bass",
        lead=("overdrive", "guitar", "organ"),
        lead_density=0.25,
    ),
}
