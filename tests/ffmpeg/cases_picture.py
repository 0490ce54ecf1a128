"""Cases of the expectation language. What is seen."""

from __future__ import annotations

from check_case import CLIP, FAST, Case, case

CASES: tuple[Case, ...] = (
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
)
