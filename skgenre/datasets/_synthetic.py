from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import scipy.fft
from joblib import delayed
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from .._parallel import run_parallel
from ._styles import INSTRUMENTS, STYLES

_STEPS = 16
_MAJOR_SCALE = np.array([0, 2, 4, 7, 9])
_MINOR_SCALE = np.array([0, 3, 5, 7, 10])


@validate_params(
    {
        "n_clips": [Interval(Integral, 1, None, closed="left")],
        "n_genres": [Interval(Integral, 1, len(STYLES), closed="both")],
        "duration": [Interval(Real, 0, None, closed="neither")],
        "sr": [Interval(Integral, 1000, None, closed="left")],
        "n_artists_per_genre": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "return_groups": ["boolean"],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def make_genre_clips(
    n_clips=100,
    *,
    n_genres=10,
    duration=30.0,
    sr=22050,
    n_artists_per_genre=5,
    random_state=None,
    return_groups=False,
    n_jobs=None,
):
    """Generate synthetic music in up to ten genres by made-up artists.

    Each genre has its own tempo, drum patterns, harmony and instruments. Each artist has a tuning,
    equalisation, instruments, drum kit and room. As with real music, a split with songs of one
    artist on both sides therefore scores higher than one that keeps artists apart.

    Parameters
    ----------
    n_clips : int, default=100
        Number of clips. They cycle through the genres, and through the artists of each genre.
    n_genres : int, default=10
        Number of genres, at most 10.
    duration : float, default=30.0
        Length of a clip, in seconds.
    sr : int, default=22050
        Sample rate, in Hz.
    n_artists_per_genre : int, default=5
        Number of artists in each genre.
    random_state : int, RandomState instance or None, default=None
        Seed for all random choices. Pass an int to get the same music in every call.
    return_groups : bool, default=False
        Whether to return the artists as well.
    n_jobs : int, default=None
        Number of clips to generate in parallel, in processes unless `joblib.parallel_config` says
        otherwise. The music does not depend on it.

    Returns
    -------
    X : ndarray of shape (n_clips, n_samples), dtype float32
        The waveforms, between -1 and 1.
    y : ndarray of shape (n_clips,), dtype str
        The genre of each clip.
    groups : ndarray of shape (n_clips,), dtype str
        The artist of each clip, such as ``"jazz artist 2"``. Only if ``return_groups`` is true.

    See Also
    --------
    load_gtzan : Real music.

    Examples
    --------
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=2.0, random_state=0)
    >>> X.shape, y[:3]
    ((4, 44100), array(['blues', 'classical', 'country'], dtype='<U9'))
    """
    random_state = check_random_state(random_state)
    genres = list(STYLES)[:n_genres]
    artists = {
        (genre, number): _Artist.invent(genre, np.random.RandomState(seed))
        for genre in genres
        for number, seed in enumerate(random_state.randint(2**31 - 1, size=n_artists_per_genre))
    }
    song_seeds = random_state.randint(2**31 - 1, size=n_clips)
    turns = [(genres[i % n_genres], i // n_genres % n_artists_per_genre) for i in range(n_clips)]
    X = np.empty((n_clips, round(duration * sr)), dtype=np.float32)
    calls = (
        delayed(_render)(artists[turn], sr, seed, X.shape[1])
        for turn, seed in zip(turns, song_seeds, strict=True)
    )
    for i, waveform in enumerate(run_parallel(calls, n_jobs=n_jobs)):
        X[i] = waveform
    y = np.array([genre for genre, _ in turns])
    groups = np.array([f"{genre} artist {number}" for genre, number in turns])
    return (X, y, groups) if return_groups else (X, y)


def _render(artist, sr, seed, n_samples):
    return _Song(artist, sr, np.random.RandomState(seed)).render(n_samples).astype(np.float32)


@dataclass(frozen=True)
class _Artist:
    """What all songs of an artist share."""

    genre: str
    tuning: float
    tempo: float
    instruments: dict
    brightness: float
    equalisation: np.ndarray
    kick_pitch: float
    snare_pitch: float
    hat_decay: float
    room: float
    balance: np.ndarray

    @classmethod
    def invent(cls, genre, rng):
        style = STYLES[genre]
        return cls(
            genre=genre,
            tuning=rng.uniform(-0.5, 0.5),
            tempo=rng.uniform(*style.tempo),
            instruments={
                "comp": style.harmony[rng.randint(len(style.harmony))],
                "lead": style.lead[rng.randint(len(style.lead))],
                "bass": style.low,
            },
            brightness=rng.uniform(-0.5, 0.5),
            equalisation=rng.normal(0, 5, size=9),
            kick_pitch=rng.uniform(45, 75),
            snare_pitch=rng.uniform(150, 260),
            hat_decay=rng.uniform(0.02, 0.09),
            room=rng.uniform(0, 0.4),
            balance=10 ** (rng.normal(0, 4, size=4) / 20),
        )


class _Song:
    """One song of an artist: what is played, and how it sounds."""

    def __init__(self, artist, sr, rng):
        style = STYLES[artist.genre]
        self.artist, self.style, self.sr, self.rng = artist, style, sr, rng
        self.step = 60 / (artist.tempo * rng.uniform(0.94, 1.06)) / 4
        self.key = rng.randint(12)
        self.patterns = {
            name: _choose(getattr(style, name), rng)
            for name in ("kick", "snare", "hat", "bass", "comp")
        }
        self.progression = _choose(style.progressions, rng)
        self.scale = _MINOR_SCALE if self.progression[0][1][1] == 3 else _MAJOR_SCALE
        self.gains = artist.balance * 10 ** (rng.normal(0, 2, size=4) / 20)
        self.hits = {"kick": self._kick(), "snare": self._snare(), "hat": self._hat()}
        self.notes = {}

    def render(self, n_samples):
        """Return the song as a waveform."""
        mix = np.zeros(n_samples + 8 * self.sr)
        bar_length = _STEPS * self.step * self.sr
        playing = dict.fromkeys(("drums", "bass", "comp", "lead"), True)
        for bar in range(int(n_samples / bar_length) + 1):
            if bar % 4 == 0:
                playing = {layer: self.rng.uniform() < 0.85 for layer in playing}
            root, chord = self.progression[bar % len(self.progression)]
            for step in range(_STEPS):
                late = self.style.swing if step % 4 == 2 else self.rng.normal(0, 0.03)
                start = max(0, int((bar * _STEPS + step + late) * self.step * self.sr))
                self._play(mix, start, step, root, chord, playing)
        return self._master(mix[:n_samples])

    def _play(self, mix, start, step, root, chord, playing):
        drums, bass, comp, lead = self.gains
        if playing["drums"]:
            for name in ("kick", "snare", "hat"):
                if self.patterns[name][step] == "x":
                    hit = self.hits[name] * drums * self.style.drums * self.rng.uniform(0.7, 1)
                    _add(mix, start, hit)
        if playing["bass"] and self.patterns["bass"][step] == "x":
            walk = self.style.bass_walk
            pitch = 28 + (self.key + root) % 12 + walk[step // 4 % len(walk)]
            _add(mix, start, 0.5 * bass * self._note("bass", pitch, 3))
        if playing["comp"] and self.patterns["comp"][step] == "x":
            for interval in chord:
                pitch = 48 + (self.key + root) % 12 + interval
                _add(mix, start, 0.22 * comp * self._note("comp", pitch, 4))
        if playing["lead"] and step % 2 == 0 and self.rng.uniform() < self.style.lead_density:
            pitch = 60 + self.key + self.scale[self.rng.randint(5)] + 12 * self.rng.randint(2)
            _add(mix, start, 0.3 * lead * self._note("lead", pitch, 2 * self.rng.randint(1, 4)))

    def _note(self, part, pitch, steps):
        """Return a note of a MIDI pitch, kept since songs repeat themselves."""
        if (part, pitch, steps) not in self.notes:
            harmonics, attack, decay, drive = INSTRUMENTS[self.artist.instruments[part]]
            frequency = 440 * 2 ** ((pitch + self.artist.tuning - 69) / 12)
            time = np.arange(int((steps * self.step + 0.08) * self.sr)) / self.sr
            wave = np.zeros_like(time)
            for number, amplitude in enumerate(harmonics, start=1):
                if number * frequency < 0.45 * self.sr:
                    colour = number**self.artist.brightness
                    wave += amplitude * colour * np.sin(2 * np.pi * number * frequency * time)
            wave *= np.minimum(time / attack, 1) * np.exp(-time / decay)
            if drive:
                wave = np.tanh(drive * wave) / np.tanh(drive)
            release = np.minimum(np.arange(len(wave), 0, -1) / (0.05 * self.sr), 1)
            self.notes[part, pitch, steps] = wave * release
        return self.notes[part, pitch, steps]

    def _kick(self):
        time = np.arange(int(0.3 * self.sr)) / self.sr
        sweep = self.artist.kick_pitch * (time + 0.06 * (1 - np.exp(-time / 0.03)))
        return 0.9 * np.sin(2 * np.pi * sweep) * np.exp(-time / 0.09)

    def _snare(self):
        time = np.arange(int(0.25 * self.sr)) / self.sr
        body = np.sin(2 * np.pi * self.artist.snare_pitch * time) * np.exp(-time / 0.05)
        return 0.4 * body + 0.35 * self.rng.normal(size=len(time)) * np.exp(-time / 0.07)

    def _hat(self):
        time = np.arange(int(0.2 * self.sr)) / self.sr
        noise = np.diff(self.rng.normal(size=len(time) + 1))
        return 0.12 * noise * np.exp(-time / self.artist.hat_decay)

    def _master(self, mix):
        """Put the mix in the artist's room, through its equaliser, and to a song's own level."""
        echo = int(0.031 * self.sr)
        if len(mix) > echo:
            mix[echo:] += self.artist.room * mix[:-echo]
        spectrum = scipy.fft.rfft(mix)
        frequencies = scipy.fft.rfftfreq(len(mix), 1 / self.sr)
        octaves = np.log2(np.maximum(frequencies, 20) / 40)
        curve = self.artist.equalisation + self.rng.normal(0, 2, size=9)
        spectrum *= 10 ** (np.interp(octaves, np.arange(9), curve) / 20)
        mix = scipy.fft.irfft(spectrum, len(mix))
        mix += self.rng.uniform(0, 0.004) * self.rng.normal(size=len(mix))
        return self.rng.uniform(0.4, 0.95) * mix / np.abs(mix).max()


def _choose(options, rng):
    return options[rng.randint(len(options))]


def _add(mix, start, sound):
    mix[start : start + len(sound)] += sound[: len(mix) - start]
