"""Cases of the expectation language. Which piece of which source, at what speed, in what order."""

from __future__ import annotations

from check_case import CLIP, FAST, LONG, MANY, TWO, Case, case

CASES: tuple[Case, ...] = (
    case(
        "defaults",
        CLIP,
        {},
        [f"ffmpeg -i in.mp4 {FAST} out.mp4", "ffmpeg -i in.mp4 -c copy out.mkv"],
        [
            f"ffmpeg -i in.mp4 {FAST} -vf hflip out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -vf vflip out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -vf scale=80:90,setsar=1 out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -vf format=gray out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -af volume=-6dB out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -af 'channelmap=1|0' out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -ac 1 out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -an out.mp4",
            "ffmpeg -i in.mp4 -vn -c:a aac out.m4a",
            f"ffmpeg -i in.mp4 {FAST} -t 2 out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -af 'adelay=500:all=1' out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -af 'adelay=0|400' out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -vf setpts=0.5*PTS out.mp4",
            f"ffmpeg -i in.mp4 {FAST} -af atempo=2 out.mp4",
            "ffmpeg -ss 40 -i in.mp4 -c copy out.mp4",
        ],
    ),
    case(
        "made_from start end",
        LONG,
        {"made_from": {"start": 1.4, "end": 3}, "exact": True},
        [f"ffmpeg -ss 1.4 -to 3 -i in.mkv {FAST} out.mp4", f"ffmpeg -i in.mkv -ss 1.4 -t 1.6 {FAST} out.mp4"],
        [
            f"ffmpeg -ss 1.4 -i in.mkv -to 3 {FAST} out.mp4",
            f"ffmpeg -i in.mkv -ss 1.4 -t 3 {FAST} out.mp4",
            f"ffmpeg -ss 1 -to 2.6 -i in.mkv {FAST} out.mp4",
            "ffmpeg -ss 1.4 -to 3 -i in.mkv -c copy out.mkv",
            f"ffmpeg -i in.mkv -vf trim=1.4:3 -af atrim=1.4:3 {FAST} out.mp4",
            f"ffmpeg -ss 0.9 -to 2.5 -i in.mkv {FAST} -map 0:v -map 0:a out.mp4",
        ],
    ),
    case(
        "a copied cut may lie at a key frame",
        LONG,
        {"made_from": {"start": 1.4, "end": 3}},
        ["ffmpeg -ss 1.4 -to 3 -i in.mkv -c copy out.mkv", "ffmpeg -ss 1.4 -i in.mkv -t 1.6 -c copy out.mp4"],
        [
            "ffmpeg -ss 1.4 -i in.mkv -to 3 -c copy out.mkv",
            "ffmpeg -ss 3 -i in.mkv -c copy out.mkv",
            "ffmpeg -t 1.6 -i in.mkv -c copy out.mkv",
        ],
    ),
    case(
        "last seconds",
        LONG,
        {"made_from": {"start": -1.5}},
        f"ffmpeg -sseof -1.5 -i in.mkv {FAST} out.mp4",
        f"ffmpeg -t 1.5 -i in.mkv {FAST} out.mp4",
    ),
    case(
        "join in order",
        TWO,
        {"made_from": ["a.mp4", "b.mp4"]},
        f'ffmpeg -i a.mp4 -i b.mp4 -filter_complex "[0:v][0:a][1:v][1:a]concat=n=2:v=1:a=1" {FAST} out.mp4',
        [
            f'ffmpeg -i b.mp4 -i a.mp4 -filter_complex "[0:v][0:a][1:v][1:a]concat=n=2:v=1:a=1" {FAST} out.mp4',
            f'ffmpeg -i a.mp4 -i b.mp4 -filter_complex "[0:v][1:a][1:v][0:a]concat=n=2:v=1:a=1" {FAST} out.mp4',
            f"ffmpeg -i a.mp4 -i b.mp4 {FAST} out.mp4",
        ],
    ),
    case(
        "speed",
        CLIP,
        {"made_from": {"speed": 2}},
        [
            'ffmpeg -i in.mp4 -filter_complex "[0:v]setpts=0.5*PTS[v];[0:a]atempo=2[a]" -map "[v]" -map "[a]" '
            f"{FAST} out.mp4",
        ],
        [
            f"ffmpeg -i in.mp4 -vf setpts=0.5*PTS {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf setpts=2*PTS -af atempo=0.5 {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -t 1.5 {FAST} out.mp4",
        ],
    ),
    case(
        "pitch",
        {"in.wav": {}},
        {"made_from": {"speed": 1.5}, "audio": {"pitch": "shifted"}},
        "ffmpeg -i in.wav -af asetrate=66150,aresample=44100 out.wav",
        "ffmpeg -i in.wav -af atempo=1.5 out.wav",
    ),
    case(
        "reverse",
        CLIP,
        {"made_from": {"reverse": True}},
        f"ffmpeg -i in.mp4 -vf reverse -af areverse {FAST} out.mp4",
        [f"ffmpeg -i in.mp4 -vf reverse {FAST} out.mp4", f"ffmpeg -i in.mp4 {FAST} out.mp4"],
    ),
    case(
        "times",
        {"in.mp4": {"seconds": 1, "audio": False}},
        {"made_from": {"times": 3}},
        "ffmpeg -stream_loop 2 -i in.mp4 -c copy out.mp4",
        ["ffmpeg -stream_loop 3 -i in.mp4 -c copy out.mp4", "ffmpeg -i in.mp4 -c copy out.mp4"],
    ),
    case(
        "track",
        MANY,
        {"audio": {"made_from": {"track": 1}, "language": "fre"}},
        "ffmpeg -i in.mkv -map 0:v -map 0:a:1 -c copy out.mkv",
        [
            "ffmpeg -i in.mkv -map 0:v -map 0:a:0 -c copy out.mkv",
            "ffmpeg -i in.mkv -map 0:v -map 0:a:0 -c copy -metadata:s:a:0 language=fre out.mkv",
        ],
    ),
)
