"""Voices: who types a request, with examples. Read from the project's file, else from the one here; writes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.yamlfile import read_yaml

from .plan import plans_folder

FIRST = "FILE"
PACKAGED = Path(__file__).parent / "voices.yaml"


class Example(BaseModel):
    """Facts, and the request that they came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    facts: str
    """What a request is made of."""
    say: tuple[str, ...] = ()
    """Names and numbers that have to stand in the request."""
    request: str
    """What this voice made of them."""


class Voice(BaseModel):
    """Somebody who asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    how: str
    """Who types, and how, in a sentence."""
    speaks: tuple[str, ...] = ()
    """Words of which a request has at least one, where it is in another language than the facts. Of the facts, only
    names and numbers are looked for then."""
    check: float | None = None
    """What stands in for the plan's `check` in this voice."""
    openers: tuple[str, ...] = ()
    """How a message may begin; one is drawn for each, so that they do not all begin alike. `FILE` is the first name."""
    examples: tuple[Example, ...] = ()
    """Shown to the teacher."""


def opener(voice: Voice, say: Sequence[str], chance: Random) -> str:
    """How a message begins; empty where the voice has no openers."""
    drawn = chance.choice(voice.openers) if voice.openers else ""
    return (say[0] if say else "") if drawn == FIRST else drawn


def draw_voice(voices: Mapping[str, tuple[Voice, float]], lot: str) -> str:
    """A voice's name, by weight; the same lot draws the same one."""
    weights = [weight for _, weight in voices.values()]
    return Random(f"{lot} voice").choices(list(voices), weights)[0]


def load_voices(weights: Mapping[str, float], places: Places) -> Mapping[str, tuple[Voice, float]]:
    """Name -> (voice, weight) of the voices that a plan names; of all there are, each alike, where it names none."""
    path = plans_folder(places) / "voices.yaml"
    path = path if path.is_file() else PACKAGED
    file = read_yaml(path, places.shown(path))
    data = file.data if isinstance(file.data, dict) else {}
    for name in weights:
        if name not in data:
            close = difflib.get_close_matches(name, data, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(data)}"
            raise UsageError(f"there is no voice {name!r}", where=file.where(), hint=hint)
    try:
        return {name: (Voice.model_validate(data[name]), weights.get(name, 1.0)) for name in weights or data}
    except ValidationError as error:
        raise UsageError(str(error.errors(include_url=False)[0]["msg"]), where=file.where()) from error
