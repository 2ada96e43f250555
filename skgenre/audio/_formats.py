"""The endings of files that a decoder can read."""

# Beside the names of its formats, what their files are called.
_LIBSNDFILE = (
    "8svx aif aifc aiff au avr bwf caf flac htk iff ircam mat4 mat5 mp3 mpc2k nist oga ogg opus "
    "paf pvf rf64 sd2 sds sf snd sph svx voc w64 wav wave wavex wve xi"
)
# The sound of films, too.
_FFMPEG = (
    "3g2 3ga 3gp aac ac3 adts amr ape asf avi awb divx dsf dts dtshd ec3 eac3 f4a f4b f4v flv "
    "m1a m2a m2ts m4a m4b m4p m4r m4v mac mk3d mka mkv mov mp+ mp1 mp2 mp4 mpa mpc mpeg mpg mpga "
    "mpp mts ogm ogv ogx qt ra rm rmvb spx tak thd ts tta vob webm weba wma wmv wv xwma"
)
ENDINGS = frozenset(f".{ending}" for ending in (_LIBSNDFILE + " " + _FFMPEG).split())
