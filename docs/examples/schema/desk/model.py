"""A stand-in for a model, without a key: it reads an invoice with patterns, and misses what they do not know."""

from __future__ import annotations

import json
import re

from touchstone import Request


def answer(request: Request) -> str:
    text = request.messages[-1].content
    number, due = re.search(r"INV-\d+", text), re.search(r"\d{4}-\d{2}-\d{2}", text)
    total = re.search(r"(\d+\.\d{2}) (EUR|USD)", text)
    found = {"number": number and number[0], "due": due and due[0]}
    return json.dumps(found | {"total": float(total[1]) if total else None, "currency": total[2] if total else None})
