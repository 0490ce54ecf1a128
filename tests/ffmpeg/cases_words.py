"""Cases of the expectation language. Subtitles, and what stands in the picture at some place."""

from __future__ import annotations

from check_case import CLIP, FAST, MANY, Case, case

CASES: tuple[Case, ...] = (
    case(
        "subtitles",
        {"in.mkv": {"subtitles": [{"language": "eng"}]}},
        {"container": "mp4", "subtitles": {"codec": "mov_text", "language": "eng"}},
        "ffmpeg -i in.mkv -map 0 -c copy -c:s mov_text out.mp4",
        [
            "ffmpeg -i in.mkv -c copy -sn out.mp4",
            "ffmpeg -itsoffset 1 -i in.mkv -i in.mkv -map 1:v -map 1:a -map 0:s -c:s mov_text out.mp4",
        ],
    ),
    case(
        "cues, shift",
        {"in.srt": {}},
        {"subtitles": {"shift": 1}},
        "ffmpeg -itsoffset 1 -i in.srt out.srt",
        ["ffmpeg -i in.srt out.srt", "ffmpeg -itsoffset 2 -i in.srt out.srt"],
    ),
    case(
        "cues as written",
        MANY,
        {"file": "*.srt", "subtitles": {"cues": [{"start": 0.5, "end": 1, "text": "Hallo"}]}},
        "ffmpeg -i in.mkv -map 0:s:1 out.srt",
        "ffmpeg -i in.mkv -map 0:s:0 out.srt",
    ),
    case(
        "title, default, forced",
        MANY,
        {
            "audio": [{"title": "Main", "default": False}, {"default": True}],
            "subtitles": [{"forced": True, "made_from": {"track": 0}}, {"forced": False}],
        },
        "ffmpeg -i in.mkv -map 0 -c copy -disposition:a:0 0 -disposition:a:1 default -disposition:s:0 forced out.mkv",
        [
            "ffmpeg -i in.mkv -map 0 -c copy -disposition:a:0 default -disposition:s:0 forced out.mkv",
            "ffmpeg -i in.mkv -map 0 -c copy -disposition:a:0 0 -disposition:a:1 default out.mkv",
        ],
    ),
    case(
        "shows a file in a region",
        {"in.mp4": {}, "logo.png": {"video": {"size": "40x30"}}},
        {
            "made_from": "in.mp4",
            "video": {"picture": False},
            "shows": [{"at": 1, "region": [110, 50, 40, 30], "file": "logo.png"}, {"at": 1, "region": [0, 0, 100, 90]}],
        },
        f"ffmpeg -i in.mp4 -i logo.png -filter_complex overlay=110:50 {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -i logo.png -filter_complex overlay=10:10 {FAST} out.mp4",
            f"ffmpeg -i in.mp4 {FAST} out.mp4",
        ],
    ),
    case(
        "shows that something differs, from when",
        CLIP,
        {
            "shows": [
                {"at": 1.5, "region": [0, 60, 160, 30], "differs": True},
                {"at": 0.5, "region": [0, 60, 160, 30]},
                {"at": -0.2, "region": [0, 60, 160, 30]},
                {"at": 1.5, "region": [0, 0, 160, 50]},
            ]
        },
        f"ffmpeg -i in.mp4 -vf \"drawbox=x=40:y=65:w=40:h=20:c=white:t=fill:enable='between(t,1,2)'\" {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -vf drawbox=x=40:y=65:w=40:h=20:c=white:t=fill {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf \"drawbox=40:5:w=40:h=20:t=fill:c=white:enable='between(t,1,2)'\" {FAST} out.mp4",
        ],
    ),
    case(
        "shows a colour, a second of a file",
        CLIP,
        {
            "video": {"size": "176x106", "picture": {"pad": [176, 106, 8, 8]}},
            "shows": [
                {"at": 1, "region": [0, 0, 176, 7], "colour": "white"},
                {"at": 2, "region": [8, 8, 160, 90], "file": "in.mp4", "file_at": 2, "picture": []},
            ],
        },
        f"ffmpeg -i in.mp4 -vf pad=176:106:8:8:white {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -vf pad=176:106:8:8:black {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf scale=176:106 {FAST} out.mp4",
        ],
    ),
)
