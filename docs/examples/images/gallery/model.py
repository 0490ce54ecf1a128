"""A stand-in for a model that sees and hears, without a key: it reads the pixels and the samples that it is sent."""

from __future__ import annotations

import struct
import wave
import zlib
from itertools import pairwise
from pathlib import Path

from touchstone import Request

ROOT = Path(__file__).parents[1]
COLOURS = {(255, 0, 0): "red", (0, 0, 255): "blue"}


def answer(request: Request) -> str:
    (media,) = request.messages[-1].media
    return _colour(ROOT / media.path) if media.type == "image" else _pitch(ROOT / media.path)


def _colour(path: Path) -> str:
    """Of the first pixel of a PNG with three bytes a pixel: no filter changes it, for there is nothing before it."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    red, green, blue = zlib.decompress(packed)[1:4]
    return COLOURS.get((red, green, blue), f"a colour of {red}, {green}, {blue}")


def _pitch(path: Path) -> str:
    """High from 500 Hz on, by how often the wave (8 bits a sample) crosses its middle upwards."""
    with wave.open(str(path)) as sound:
        samples, rate = sound.readframes(sound.getnframes()), sound.getframerate()
    ups = sum(a < 128 <= b for a, b in pairwise(samples))
    return "high" if ups * rate / len(samples) >= 500 else "low"
