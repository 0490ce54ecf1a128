"""Cases of the expectation language. What is heard."""

from __future__ import annotations

from check_case import Case, case

CASES: tuple[Case, ...] = (
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
)
