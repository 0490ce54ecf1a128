"""A stand-in for a model, without a key: it books a table from what was said in the whole conversation."""

from __future__ import annotations

import re

from touchstone import Request


def answer(request: Request) -> str:
    said = " ".join(one.content for one in request.messages if one.role == "user")
    people, hour = re.findall(r"(\d+) people", said), re.findall(r"at (\d+)", said)
    if not people:
        return "For how many people?"
    if not hour:
        return "At what time?"
    return f"Booked: {people[-1]} people at {hour[-1]}."
