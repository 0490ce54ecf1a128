"""For each key of the expectation language: commands that must pass and subtly wrong ones (exit 0) that must miss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from fixtures.ffmpeg.correctness import score_answer
from fixtures.ffmpeg.expect import Audio, Change, Expectation, Hls, Piece, Shot, Subtitles, Text, Tone, Video
from fixtures.ffmpeg.rows import FfmpegRow

CLIP: dict[str, Any] = {"in.mp4": {}}
LONG: dict[str, Any] = {"in.mkv": {"seconds": 4}}
TWO: dict[str, Any] = {"a.mp4": {"seconds": 1}, "b.mp4": {"seconds": 1}}
MANY: dict[str, Any] = {
    "in.mkv": {
        "audio": [{"language": "eng", "title": "Main"}, {"language": "fre"}],
        "subtitles": [{"language": "eng"}, {"language": "ger", "cues": [{"start": 0.5, "end": 1, "text": "Hallo"}]}],
    }
}
FAST = "-c:v libx264 -preset ultrafast -c:a aac"


@dataclass(frozen=True)
class Case:
    """One rule: its row, right commands, wrong ones."""

    name: str
    media: dict[str, Any]
    expect: dict[str, Any]
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    keys: tuple[str, ...] = field(default=())


def case(name: str, media: dict[str, Any], expect: dict[str, Any], right: Any, wrong: Any) -> Case:
    both = tuple((one,) if isinstance(one, str) else tuple(one) for one in (right, wrong))
    return Case(name, media, expect, *both)


CASES = (
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
    case(
        "file and container",
        CLIP,
        {"file": "out.webm", "container": "webm"},
        "ffmpeg -i in.mp4 -c:v libvpx -deadline realtime -b:v 600k -c:a libopus out.webm",
        ["ffmpeg -i in.mp4 -c copy -f matroska out.webm", "ffmpeg -i in.mp4 -c copy -f matroska other.webm"],
    ),
    case(
        "count, every",
        LONG,
        {"file": "*.jpg", "count": {"about": 4, "within": 1}, "every": 1, "container": "jpg"},
        "ffmpeg -i in.mkv -vf fps=1 p%02d.jpg",
        ["ffmpeg -i in.mkv -vf fps=2 p%02d.jpg", "ffmpeg -t 1 -i in.mkv -vf fps=4 p%02d.jpg"],
    ),
    case(
        "joined",
        LONG,
        {"file": "part*.mp4", "count": 2, "joined": True},
        "ffmpeg -i in.mkv -c copy -f segment -segment_time 2 -reset_timestamps 1 part%d.mp4",
        [
            "ffmpeg -i in.mkv -c copy -f segment -segment_time 1 -reset_timestamps 1 part%d.mp4",
            "ffmpeg -t 2 -i in.mkv -c copy part0.mp4 && ffmpeg -t 2 -i in.mkv -c copy part1.mp4",
        ],
    ),
    case(
        "files",
        CLIP,
        {"files": [{"file": "*.mp4", "audio": False}, {"file": "*.mp3", "container": "mp3"}]},
        "ffmpeg -i in.mp4 -an -c:v copy v.mp4 -vn a.mp3",
        ["ffmpeg -i in.mp4 -c copy v.mp4 -vn a.mp3", "ffmpeg -i in.mp4 -an -c:v copy v.mp4"],
    ),
    case(
        "any_of",
        CLIP,
        {"any_of": [{"video": {"codec": "vp9"}}, {"video": {"codec": "h264", "picture": "hflip"}}]},
        f"ffmpeg -i in.mp4 -vf hflip {FAST} out.mp4",
        f"ffmpeg -i in.mp4 {FAST} out.mp4",
    ),
    case(
        "replaces",
        CLIP,
        {"replaces": ["in.mp4"], "made_from": {"end": 1}},
        f"ffmpeg -i in.mp4 -t 1 {FAST} tmp.mp4\nffmpeg -y -i tmp.mp4 -c copy in.mp4",
        f"ffmpeg -i in.mp4 -t 2 {FAST} tmp.mp4\nffmpeg -y -i tmp.mp4 -c copy in.mp4",
    ),
    case(
        "inputs stay as they were",
        TWO,
        {"made_from": "a.mp4"},
        "ffmpeg -i a.mp4 -c copy out.mp4",
        "ffmpeg -y -i a.mp4 -c copy out.mp4 -c copy b.mp4",
    ),
    case(
        "duration",
        {"photo.png": {}},
        {"duration": 2},
        "ffmpeg -loop 1 -t 2 -i photo.png -pix_fmt yuv420p out.mp4",
        "ffmpeg -loop 1 -t 3 -i photo.png -pix_fmt yuv420p out.mp4",
    ),
    case(
        "stream duration",
        CLIP,
        {"duration": False, "audio": {"duration": 2, "made_from": {"end": 2}}},
        f"ffmpeg -i in.mp4 -af atrim=0:2 {FAST} out.mp4",
        f"ffmpeg -i in.mp4 {FAST} out.mp4",
    ),
    case(
        "streams",
        MANY,
        {"streams": ["video", "audio", "audio", "subtitle", "subtitle"]},
        "ffmpeg -i in.mkv -map 0 -c copy out.mkv",
        [
            "ffmpeg -i in.mkv -c copy out.mkv",
            "ffmpeg -i in.mkv -map 0:v -map 0:s -map 0:a -c copy out.mkv",
        ],
    ),
    case(
        "order of tracks",
        MANY,
        {"audio": [{"made_from": {"track": 1}}, {"made_from": {"track": 0}}]},
        "ffmpeg -i in.mkv -map 0:v -map 0:a:1 -map 0:a:0 -c copy out.mkv",
        ["ffmpeg -i in.mkv -map 0:v -map 0:a -c copy out.mkv", "ffmpeg -i in.mkv -map 0:v -map 0:a:1 -c copy out.mkv"],
    ),
    case(
        "copied",
        CLIP,
        {"copied": True},
        ["ffmpeg -i in.mp4 -c copy out.mkv", "ffmpeg -i in.mp4 -c copy out.ts", "ffmpeg -i in.mp4 -c copy out.avi"],
        [
            f"ffmpeg -i in.mp4 {FAST} out.mp4",
            "ffmpeg -i in.mp4 -c:v copy out.mp4",
            "ffmpeg -i in.mp4 -c:a copy -c:v libx264 out.mp4",
        ],
    ),
    case(
        "stream copied, encoded anew",
        CLIP,
        {"video": {"copied": True}, "audio": {"copied": False}},
        "ffmpeg -i in.mp4 -c:v copy -c:a aac -b:a 96k out.mp4",
        ["ffmpeg -i in.mp4 -c copy out.mp4", f"ffmpeg -i in.mp4 {FAST} out.mp4"],
    ),
    case(
        "sound as ADTS is a copy",
        CLIP,
        {"video": False, "audio": {"copied": True}, "container": "aac"},
        "ffmpeg -i in.mp4 -vn -c:a copy out.aac",
        "ffmpeg -i in.mp4 -vn -c:a aac out.aac",
    ),
    case(
        "chapters",
        {"in.mkv": {"chapters": [{"start": 0, "title": "One"}, {"start": 1, "title": "Two"}]}},
        {"chapters": [{"start": 0, "title": "One"}, {"start": 1, "end": 3, "title": "Two"}]},
        "ffmpeg -i in.mkv -c copy out.mp4",
        "ffmpeg -i in.mkv -c copy -map_chapters -1 out.mp4",
    ),
    case(
        "number of chapters",
        {"in.mkv": {"chapters": [{"start": 0, "title": "One"}]}},
        {"chapters": 0},
        "ffmpeg -i in.mkv -c copy -map_chapters -1 out.mkv",
        "ffmpeg -i in.mkv -c copy out.mkv",
    ),
    case(
        "metadata",
        {"in.mp4": {"metadata": {"title": "Old", "comment": "x"}}},
        {"metadata": {"title": "New", "comment": None}},
        "ffmpeg -i in.mp4 -c copy -map_metadata -1 -metadata title=New out.mp4",
        ["ffmpeg -i in.mp4 -c copy -metadata title=New out.mp4", "ffmpeg -i in.mp4 -c copy -map_metadata -1 out.mp4"],
    ),
    case(
        "cover",
        {"in.mp3": {"seconds": 1}, "art.jpg": {}},
        {"cover": True, "audio": {"copied": True}},
        "ffmpeg -i in.mp3 -i art.jpg -map 0 -map 1 -c copy -disposition:v attached_pic out.mp3",
        "ffmpeg -i in.mp3 -c copy out.mp3",
    ),
    case(
        "attachments",
        {"in.mkv": {"seconds": 1, "attachments": ["f.ttf"]}},
        {"attachments": 1},
        "ffmpeg -i in.mkv -map 0 -c copy out.mkv",
        "ffmpeg -i in.mkv -c copy out.mkv",
    ),
    case(
        "faststart",
        CLIP,
        {"faststart": True},
        "ffmpeg -i in.mp4 -c copy -movflags +faststart out.mp4",
        "ffmpeg -i in.mp4 -c copy out.mp4",
    ),
    case(
        "fragmented",
        CLIP,
        {"fragmented": True},
        "ffmpeg -i in.mp4 -c copy -movflags frag_keyframe+empty_moov out.mp4",
        "ffmpeg -i in.mp4 -c copy out.mp4",
    ),
    case(
        "bytes, bit_rate, smaller_than",
        CLIP,
        {"bytes": {"max": 120_000}, "bit_rate": {"max": 320_000}, "smaller_than": "in.mp4"},
        "ffmpeg -i in.mp4 -c:v libx264 -b:v 150k -maxrate 150k -bufsize 150k -c:a aac -b:a 64k out.mp4",
        "ffmpeg -i in.mp4 -c copy out.mp4",
    ),
    case(
        "stream bit_rate",
        CLIP,
        {"audio": {"bit_rate": 192000}},
        "ffmpeg -i in.mp4 -c:v copy -c:a libmp3lame -b:a 192k out.mp4",
        "ffmpeg -i in.mp4 -c:v copy -c:a libmp3lame -b:a 96k out.mp4",
    ),
    case(
        "loop",
        CLIP,
        {"container": "gif", "loop": -1},
        'ffmpeg -i in.mp4 -vf "split[a][b];[a]palettegen[p];[b][p]paletteuse" -loop -1 out.gif',
        ["ffmpeg -i in.mp4 out.gif", "ffmpeg -i in.mp4 -loop 3 out.gif"],
    ),
    case(
        "hls",
        LONG,
        {"hls": {"segments": 4, "target_duration": 1, "kind": "ts", "ended": True}},
        "ffmpeg -i in.mkv -c copy -hls_time 1 -hls_list_size 0 list.m3u8",
        [
            "ffmpeg -i in.mkv -c copy -hls_time 1 -hls_list_size 2 list.m3u8",
            "ffmpeg -i in.mkv -c copy -hls_time 4 -hls_list_size 0 list.m3u8",
            "ffmpeg -i in.mkv -c copy -hls_time 1 -hls_list_size 0 -hls_segment_type fmp4 list.m3u8",
            "ffmpeg -i in.mkv -c copy -hls_time 1 -hls_list_size 0 -hls_flags omit_endlist list.m3u8",
        ],
    ),
    case(
        "text",
        {"in.srt": {}},
        {"file": "*.vtt", "text": {"contains": ["WEBVTT", "Good morning"], "lacks": ["Nothing"]}},
        "ffmpeg -i in.srt out.vtt",
        "ffmpeg -i in.srt -f srt out.vtt",
    ),
    case(
        "decodes",
        CLIP,
        {"decodes": False, "video": {"picture": False}, "audio": {"sound": False}, "duration": False},
        "ffmpeg -i in.mp4 -c copy -bsf:v noise=amount=200 out.mp4",
        "ffmpeg -i in.mp4 -vn -c copy out.mp4",
    ),
    case(
        "size",
        CLIP,
        {"video": {"size": "320x180", "stored": "320x180"}},
        f"ffmpeg -i in.mp4 -vf scale=320:-2 {FAST} out.mp4",
        [f"ffmpeg -i in.mp4 -vf scale=320:200 {FAST} out.mp4", f"ffmpeg -i in.mp4 {FAST} out.mp4"],
    ),
    case(
        "width alone keeps the aspect",
        CLIP,
        {"video": {"width": {"max": 100}, "height": {"max": 100}, "aspect": "16:9"}},
        f"ffmpeg -i in.mp4 -vf scale=96:54 {FAST} out.mp4",
        f"ffmpeg -i in.mp4 -vf scale=96:96 {FAST} out.mp4",
    ),
    case(
        "rotation, sar",
        CLIP,
        {"video": {"rotation": 90, "sar": "1:1", "picture": {"rotate": 90}}},
        "ffmpeg -display_rotation -90 -i in.mp4 -c copy out.mp4",
        [
            "ffmpeg -display_rotation 90 -i in.mp4 -c copy out.mp4",
            f"ffmpeg -i in.mp4 -vf transpose=1 {FAST} out.mp4",
        ],
    ),
    case(
        "turned the other way",
        CLIP,
        {"video": {"picture": {"rotate": 90}}},
        f"ffmpeg -i in.mp4 -vf transpose=1 {FAST} out.mp4",
        [f"ffmpeg -i in.mp4 -vf transpose=2 {FAST} out.mp4", f"ffmpeg -i in.mp4 -vf transpose=3 {FAST} out.mp4"],
    ),
    case(
        "fps, frames",
        CLIP,
        {"video": {"fps": 10, "frames": {"about": 30, "within": 2}}},
        f"ffmpeg -i in.mp4 -r 10 {FAST} out.mp4",
        [f"ffmpeg -r 10 -i in.mp4 {FAST} out.mp4", f"ffmpeg -i in.mp4 -r 12 {FAST} out.mp4"],
    ),
    case(
        "codec, pix_fmt, profile, tag",
        CLIP,
        {"video": {"codec": "h264", "pix_fmt": "yuv420p", "profile": "High", "tag": "avc1", "level": {"max": 31}}},
        "ffmpeg -i in.mp4 -c:v libx264 -profile:v high -pix_fmt yuv420p -level 3.1 out.mp4",
        [
            "ffmpeg -i in.mp4 -c:v libx264 -profile:v baseline out.mp4",
            "ffmpeg -i in.mp4 -c:v mpeg4 out.mp4",
            "ffmpeg -i in.mp4 -c:v libx264 -pix_fmt yuv444p out.mp4",
        ],
    ),
    case(
        "bit_depth",
        CLIP,
        {"video": {"bit_depth": 10}},
        "ffmpeg -i in.mp4 -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le out.mkv",
        f"ffmpeg -i in.mp4 {FAST} out.mkv",
    ),
    case(
        "alpha",
        {"in.png": {"video": {"pix_fmt": "rgba"}}},
        {"file": "out.png", "video": {"alpha": True, "size": "80x45"}},
        "ffmpeg -i in.png -vf scale=80:45 out.png",
        "ffmpeg -i in.png -vf scale=80:45 -pix_fmt rgb24 out.png",
    ),
    case(
        "interlaced",
        {"in.mpg": {"seconds": 2, "video": {"interlaced": True}}},
        {"video": {"interlaced": False}},
        "ffmpeg -i in.mpg -vf yadif -c:v libx264 -preset ultrafast out.mp4",
        "ffmpeg -i in.mpg -c copy out.mkv",
    ),
    case(
        "gop, bframes",
        CLIP,
        {"video": {"gop": {"max": 13}, "bframes": False}},
        "ffmpeg -i in.mp4 -c:v libx264 -g 12 -bf 0 out.mp4",
        ["ffmpeg -i in.mp4 -c:v libx264 -g 12 out.mp4", "ffmpeg -i in.mp4 -c:v libx264 -bf 0 out.mp4"],
    ),
    case(
        "crop",
        CLIP,
        {"video": {"size": "80x44", "picture": {"crop": [80, 46, 80, 44]}}},
        f"ffmpeg -i in.mp4 -vf crop=80:44:80:46 {FAST} out.mp4",
        [f"ffmpeg -i in.mp4 -vf crop=80:44:0:0 {FAST} out.mp4", f"ffmpeg -i in.mp4 -vf crop=80:44 {FAST} out.mp4"],
    ),
    case(
        "pad, scale",
        CLIP,
        {"video": {"size": "160x160", "picture": [{"scale": [80, 46]}, {"pad": [160, 160, 40, 56]}]}},
        f"ffmpeg -i in.mp4 -vf scale=80:46,pad=160:160:40:56 {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -vf scale=80:46,pad=160:160:0:0 {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf scale=160:160 {FAST} out.mp4",
        ],
    ),
    case(
        "flip, gray, negate",
        CLIP,
        {"video": {"picture": ["hflip", {"gray": True}, "negate"]}},
        f"ffmpeg -i in.mp4 -vf hflip,hue=s=0,negate {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -vf hflip,hue=s=0 {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf vflip,hue=s=0,negate {FAST} out.mp4",
        ],
    ),
    case(
        "picture_at",
        CLIP,
        {"video": {"picture_at": [0.5]}, "audio": {"sound_at": [0.5]}},
        f"ffmpeg -i in.mp4 -vf \"hflip=enable='gt(t,1)'\" -af \"volume=0:enable='gt(t,1)'\" {FAST} out.mp4",
        f"ffmpeg -i in.mp4 -vf \"hflip=enable='lt(t,1)'\" {FAST} out.mp4",
    ),
    case(
        "black",
        CLIP,
        {"video": {"black": [[1, 2]]}},
        f"ffmpeg -i in.mp4 -vf \"drawbox=c=black:t=fill:enable='between(t,1,2)'\" {FAST} out.mp4",
        f"ffmpeg -i in.mp4 -vf \"drawbox=c=black:t=fill:enable='between(t,0,1)'\" {FAST} out.mp4",
    ),
    case(
        "video fades",
        CLIP,
        {"video": {"fade_in": 1, "fade_out": 1}},
        f"ffmpeg -i in.mp4 -vf fade=t=in:d=1,fade=t=out:st=2:d=1 {FAST} out.mp4",
        [
            f"ffmpeg -i in.mp4 -vf fade=t=in:d=1 {FAST} out.mp4",
            f"ffmpeg -i in.mp4 -vf fade=t=out:st=2:d=1 {FAST} out.mp4",
        ],
    ),
    case(
        "rate, channels, layout, codec",
        {"in.wav": {}},
        {"audio": {"codec": "aac", "rate": 22050, "channels": 1, "layout": "mono"}},
        "ffmpeg -i in.wav -ar 22050 -ac 1 out.m4a",
        ["ffmpeg -i in.wav -ar 44100 -ac 1 out.m4a", "ffmpeg -i in.wav -ar 22050 out.m4a"],
    ),
    case(
        "sample_format, bit_depth",
        {"in.wav": {}},
        {"audio": {"sample_format": "s32", "bit_depth": 24}},
        "ffmpeg -i in.wav -c:a pcm_s24le out.wav",
        "ffmpeg -i in.wav -c:a pcm_s16le out.wav",
    ),
    case(
        "gain",
        {"in.wav": {}},
        {"audio": {"gain": -6}},
        "ffmpeg -i in.wav -af volume=-6dB out.wav",
        [
            "ffmpeg -i in.wav -af volume=6dB out.wav",
            "ffmpeg -i in.wav out.wav",
            "ffmpeg -i in.wav -af volume=-3dB out.wav",
        ],
    ),
    case(
        "mix, delay of the added sound",
        {"in.wav": {}, "bell.wav": {"seconds": 1}},
        {"audio": {"mix": [{"file": "bell.wav", "delay": 1, "gain": -6}]}},
        "ffmpeg -i in.wav -i bell.wav -filter_complex "
        '"[1]volume=-6dB,adelay=1000:all=1[b];[0][b]amix=inputs=2:duration=first:normalize=0" out.wav',
        [
            "ffmpeg -i in.wav -i bell.wav -filter_complex "
            '"[1]volume=-6dB[b];[0][b]amix=inputs=2:duration=first:normalize=0" out.wav',
            "ffmpeg -i in.wav -i bell.wav -filter_complex "
            '"[1]volume=-6dB,adelay=1000:all=1[b];[0][b]amix=inputs=2:duration=first" out.wav',
            "ffmpeg -i in.wav -i bell.wav -filter_complex "
            '"[1]adelay=1000:all=1[b];[0][b]amix=inputs=2:duration=first:normalize=0" out.wav',
            "ffmpeg -i in.wav out.wav",
        ],
    ),
    case(
        "delay",
        {"in.wav": {}},
        {"audio": {"delay": 0.5}},
        "ffmpeg -i in.wav -af adelay=500:all=1 out.wav",
        ["ffmpeg -i in.wav -af adelay=500 out.wav", "ffmpeg -i in.wav -af adelay=900:all=1 out.wav"],
    ),
    case(
        "channel_map",
        {"in.wav": {}},
        {"audio": {"channels": 1, "channel_map": [1]}},
        "ffmpeg -i in.wav -af 'pan=mono|c0=c1' out.wav",
        ["ffmpeg -i in.wav -af 'pan=mono|c0=c0' out.wav", "ffmpeg -i in.wav -ac 1 out.wav"],
    ),
    case(
        "audio fades",
        {"in.wav": {}},
        {"audio": {"fade_in": 1, "fade_out": 1}},
        "ffmpeg -i in.wav -af afade=t=in:d=1,afade=t=out:st=2:d=1 out.wav",
        ["ffmpeg -i in.wav -af afade=t=in:d=1 out.wav", "ffmpeg -i in.wav -af afade=t=out:st=2:d=1 out.wav"],
    ),
    case(
        "silence",
        {"in.wav": {}},
        {"audio": {"silence": [[1, 2]], "sound": False}},
        "ffmpeg -i in.wav -af \"volume=0:enable='between(t,1,2)'\" out.wav",
        ["ffmpeg -i in.wav -af \"volume=0:enable='between(t,0,1)'\" out.wav", "ffmpeg -i in.wav out.wav"],
    ),
    case(
        "loudness",
        {"in.wav": {"audio": {"level": -35}}},
        {"audio": {"loudness": -16, "gain": False}},
        "ffmpeg -i in.wav -af loudnorm=I=-16:TP=-1.5:LRA=11 -ar 44100 out.wav",
        ["ffmpeg -i in.wav -af loudnorm=I=-23 -ar 44100 out.wav", "ffmpeg -i in.wav out.wav"],
    ),
    case(
        "peak, level",
        {"in.wav": {}},
        {"audio": {"peak": -6, "level": -9, "gain": False}},
        "ffmpeg -i in.wav -af volume=11dB out.wav",
        ["ffmpeg -i in.wav -af volume=8dB out.wav", "ffmpeg -i in.wav out.wav"],
    ),
    case(
        "tones",
        {"in.wav": {"audio": {"tone": 440, "glide": 0}}},
        {
            "audio": {
                "sound": False,
                "tones": [{"at": 1, "hz": 440, "channel": 0}, {"at": 1, "hz": 594, "heard": False}],
            }
        },
        "ffmpeg -i in.wav -af 'pan=mono|c0=c0' out.wav",
        ["ffmpeg -i in.wav -af 'pan=mono|c0=c1' out.wav", "ffmpeg -i in.wav out.wav"],
    ),
    case(
        "surround",
        {"in.mkv": {"seconds": 1, "audio": {"channels": 6}}},
        {"audio": {"channels": 2}},
        "ffmpeg -i in.mkv -c:v copy -ac 2 -c:a aac out.mp4",
        [
            "ffmpeg -i in.mkv -c:v copy -c:a aac out.mp4",
            "ffmpeg -i in.mkv -c:v copy -af 'pan=stereo|c0=c4|c1=c5' out.mp4",
        ],
    ),
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
PROBES = [(c, command, True) for c in CASES for command in c.right]
PROBES += [(c, command, False) for c in CASES for command in c.wrong]


def row(one: Case) -> FfmpegRow:
    return FfmpegRow(id="row", input="", media=one.media, expect=one.expect)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "command", "right"),
    PROBES,
    ids=[f"{'right' if r else 'wrong'}: {c.name}: {cmd}"[:110] for c, cmd, r in PROBES],
)
def test_command(one: Case, command: str, right: bool) -> None:
    scores = score_answer(row(one), f"```bash\n{command}\n```")
    verdict = scores["meets_expectations"]
    assert bool(verdict.value) is right, verdict.why or "a wrong command passed"
    assert bool(verdict.why) is not right


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in keys_in(one)}
    return {key for one in value for key in keys_in(one)} if isinstance(value, list | tuple) else set()


def test_every_key_of_the_language_is_tried() -> None:
    tried = {key for one in CASES for key in keys_in(one.expect)}
    short = {"flip", "negate"}  # written as words: `hflip`, `negate`
    elsewhere = {"outcomes", "explains"}  # test_correctness_scorers.py
    models = (Expectation, Video, Audio, Subtitles, Piece, Change, Tone, Shot, Hls, Text)
    known = {key for model in models for key in model.model_fields}
    assert known - tried - short - elsewhere == set()


def test_the_reason_names_file_stream_wanted_and_found() -> None:
    one = next(c for c in CASES if c.name == "gain")
    why = score_answer(row(one), "```bash\nffmpeg -i in.wav -af volume=6dB out.wav\n```")["meets_expectations"].why
    assert all(word in why for word in ("out.wav", "audio", "gain", "-6 dB", "6.0 dB"))
