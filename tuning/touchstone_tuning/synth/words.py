"""What is wrong with a text whatever the task: empty, unprintable, an assistant's, a form's. Reads; changes nothing."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

LONGEST = 600
"""Characters of a request."""
_ASSISTANT = re.compile(
    r"^(?:sure|certainly|of course|okay|ok|alright|got it|understood|absolutely|here(?:'s| is| are)|let me|"
    r"i'd be happy|"
    r"i(?:'m| am) sorry|sorry|as an ai|you(?:'re| are) (?:looking|welcome)|now it|it seems|unfortunately|"
    r"this command|the command|to (?:do|achieve) th|entendu|entendido|claro|natürlich|hier ist|voici|aquí)\b",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(?:could i|can i help|i can help|let me know|feel free|i will|i'll|would you like me)\b", re.IGNORECASE
)
_FORM = re.compile(r"^(?:file|job|result|message|facts|request|user|assistant)\s*:", re.IGNORECASE)


def cleaned(text: str) -> str:
    """One line of a model's answer, without quotes around all of it."""
    line = next((one.strip() for one in text.strip().splitlines() if one.strip()), "")
    if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'“”`":
        line = line[1:-1].strip()
    return line


def objections(text: str) -> Iterator[str]:
    """What speaks against a request, as short words that can be counted."""
    if not text.strip():
        yield "empty"
        return
    if len(text) > LONGEST:
        yield "too long"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in text):
        yield "characters that cannot be seen"
    if "```" in text or "<|" in text:
        yield "markup"
    if _FORM.match(text):
        yield "a form, not a message"
    if _ASSISTANT.match(text) or _OFFER.search(text):
        yield "an assistant's words"
    if re.search(r"(.{8,}?)\1{2,}", text):
        yield "repeats itself"


def lacking(must: Sequence[Sequence[str]], text: str, *, foreign: bool = False) -> list[str]:
    """What a request fails to name, of each group its first word; of a foreign one plain words are not expected."""
    wanted = [group for group in must if not (foreign and all(word.replace(" ", "").isalpha() for word in group))]
    return [group[0] for group in wanted if not any(names(text, word) for word in group)]


def speaks(hints: Sequence[str], text: str) -> bool:
    """Whether a text has any of a language's commonest words; without such, any text will do."""
    said = set(re.findall(r"[^\W\d_]+", text.casefold()))
    return not hints or any(hint in said for hint in hints)


def names(text: str, word: str) -> bool:
    """Whether a text names a literal: numbers as numbers, file names to the letter, words without case."""
    if re.fullmatch(r"[-+]?\d+(?:\.\d+)?", word):
        return any(abs(number - abs(float(word))) < 1e-9 for number in numbers(text))
    exact = re.search(r"\.\w{2,5}$", word) is not None
    one, other = (text, word) if exact else (text.casefold(), word.casefold())
    return re.search(rf"(?<![\w]){re.escape(other)}(?![\w])", one) is not None or (
        not other[0].isalnum() and other in one
    )


def numbers(text: str) -> list[float]:
    """Every number in a text, by its size; a comma before digits is a decimal one, small words count."""
    found = [float(n.replace(",", ".")) for n in re.findall(r"\d+(?:[.,]\d+)?|\.\d+", text)]
    low = text.casefold().split()
    return found + [value for word, value in _SPELT.items() if word in (w.strip(".,;:!?") for w in low)]


_SPELT = {
    word: float(number)
    for number, words in enumerate(
        (
            "zero", "one once single ein eine einen un una une", "two twice double half-speed zwei dos deux doppelt",
            "three triple drei tres trois", "four vier cuatro quatre", "five fünf cinco cinq", "six sechs seis",
            "seven sieben siete sept", "eight acht ocho huit", "nine neun nueve neuf", "ten zehn diez dix",
        )
    )
    for word in words.split()
} | {"half": 0.5, "quarter": 0.25, "medio": 0.5, "mitad": 0.5, "demi": 0.5, "hälfte": 0.5}  # fmt: skip


def listed(text: str) -> list[str]:
    """Texts that a model listed: a JSON list (also torn at its end), else one a line with or without numbers."""
    start = text.find("[")
    if start >= 0:
        found = _strings(text[start + 1 :])
        if found:
            return found
    lines = (re.sub(r"^\s*(?:[-*•]|\d+[.)])\s*", "", line).strip() for line in text.splitlines())
    return [cleaned(line) for line in lines if line and not line.startswith(("```", "{", "}", "[", "]"))]


def _strings(text: str) -> list[str]:
    """The strings of a JSON list, up to where it is torn."""
    decoder, found, at = json.JSONDecoder(), list[str](), 0
    while match := re.compile(r'[\s,]*(?=["{])').match(text, at):
        try:
            value, at = decoder.raw_decode(text, match.end())
        except json.JSONDecodeError:
            break
        if isinstance(value, dict):
            value = next((one for one in value.values() if isinstance(one, str)), "")
        if isinstance(value, str) and value.strip():
            found.append(value.strip())
    return found
