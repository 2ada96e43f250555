"""What librosa's features take where nothing else is said."""

# Frames of the tempogram's autocorrelation, and the longest lag of a tempo, in seconds.
TEMPOGRAM_LAGS = 384
TEMPO_SECONDS = 8.0
# Frames of the regression that gives deltas.
DELTA_FRAMES = 9
# The lowest octave of the spectral contrast starts here, in Hz; there is one band below it.
CONTRAST_FMIN, CONTRAST_BANDS = 200.0, 6
