"""The office: files and batches at a provider, through the OpenAI SDK. Owns its client and the words of its errors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CallError, CallFailed, UsageError
from ..models.keys import key_of, lacking_key, without_keys
from ..models.wire import error_of
from .way import ENDPOINT, Way

if TYPE_CHECKING:
    from openai import OpenAI

TAG = "touchstone"
"""In a batch's metadata: the tag of our note."""
BIGGEST = 4 * 2**30
"""Bytes of a file of answers; a server that sends more is broken."""
SECONDS = 600.0
"""That a file may take on its way."""
LOOK = 20.0
"""Seconds that a look at a batch may take: it stands before every run."""
FURTHEST = 10_000
"""Batches of a provider's list that are looked through."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a batch stands."""

    status: str
    """validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled."""
    files: tuple[str, ...] = ()
    """Of answers, and of errors."""
    why: tuple[str, ...] = ()
    """What is wrong with it as a whole."""
    done: int = 0
    total: int = 0


def upload(way: Way, tag: str, data: bytes) -> str:
    """Send a file of requests; returns its id. Raises CallError."""
    with _open(way) as client:
        return _text(client.files.create(file=(f"{TAG}-{tag}.jsonl", data), purpose="batch"), "id")


def create(way: Way, tag: str, file: str) -> str:
    """Make a batch of a file; returns its id. Asked once: the SDK would make two where only the answer was lost.

    Raises CallRefused where there is none, CallFailed where nobody knows.
    """
    with _open(way, retries=0) as client:
        told = {TAG: tag}
        batch = client.batches.create(input_file_id=file, endpoint=ENDPOINT, completion_window="24h", metadata=told)
        return _text(batch, "id")


def retrieve(way: Way, id: str) -> Standing:
    """How a batch stands. Raises CallError."""
    with _open(way) as client:
        batch = client.batches.retrieve(id, timeout=LOOK)
        status, data = _text(batch, "status"), batch.to_dict(warnings=False)
    files = [one for one in (data.get("output_file_id"), data.get("error_file_id")) if isinstance(one, str) and one]
    counts = [_count(data.get("request_counts"), name) for name in ("completed", "failed", "total")]
    return Standing(status, tuple(files), tuple(_messages(data.get("errors"))), counts[0] + counts[1], counts[2])


def search(way: Way, tag: str, since: float) -> Iterator[str]:
    """The ids of batches with our tag that were created after `since` (seconds of the epoch). Raises CallError."""
    with _open(way) as client:
        for batch in islice(client.batches.list(limit=100, timeout=LOOK), FURTHEST):  # the newest first
            if (getattr(batch, "created_at", None) or since) < since:
                return
            if (getattr(batch, "metadata", None) or {}).get(TAG) == tag:
                yield _text(batch, "id")


def lines(way: Way, file: str) -> Iterator[bytes]:
    """The lines of a file of answers. Raises CallError."""
    with TemporaryFile() as kept:
        with _open(way) as client, client.files.with_streaming_response.content(file) as answer:
            for part in answer.iter_bytes():
                if kept.tell() > BIGGEST:
                    raise CallFailed(f"a file of answers is longer than {BIGGEST // 2**30} GiB")
                kept.write(part)
        kept.seek(0)
        yield from kept


@contextmanager
def _open(way: Way, retries: int = 2) -> Iterator[OpenAI]:
    import httpx
    import openai

    try:
        with openai.OpenAI(
            **_arguments(way), max_retries=retries, timeout=httpx.Timeout(SECONDS, connect=LOOK)
        ) as client:
            yield client
    except openai.APIStatusError as error:
        raise _cleaned(error_of(error.status_code, {"error": error.body}), way) from None
    except (openai.OpenAIError, httpx.HTTPError) as error:
        raise _cleaned(CallFailed(str(error) or type(error).__name__), way) from None
    except ValueError:
        raise _cleaned(CallFailed("the answer is not JSON"), way) from None


def _arguments(way: Way) -> dict[str, Any]:
    """The key of OpenAI goes to OpenAI alone, as do the names of its organization and project."""
    import openai

    config = way.config
    if lacks := lacking_key(config):
        raise UsageError(lacks)
    if not way.compatible:
        return {"api_key": key_of(config) or os.environ.get("OPENAI_API_KEY") or "-", "base_url": config.base_url}
    nobody = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
    return {"api_key": key_of(config) or "-", "base_url": config.base_url, "default_headers": nobody}


def _cleaned(error: CallError, way: Way) -> CallError:
    host = urlsplit(way.config.base_url or "https://api.openai.com").netloc
    error.args = (without_keys(f"{host}: {error}"),)
    return error


def _messages(errors: object) -> Iterator[str]:
    data = errors.get("data") if isinstance(errors, Mapping) else None
    for one in data if isinstance(data, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("message"), str):
            yield one["message"]


def _count(counts: object, name: str) -> int:
    count = counts.get(name) if isinstance(counts, Mapping) else None
    return count if isinstance(count, int) else 0


def _text(thing: object, name: str) -> str:
    """A field of what the SDK read; it believes whatever a server sends."""
    value = getattr(thing, name, None)
    if not isinstance(value, str) or not value:
        raise CallFailed(f"the answer has no {name}")
    return value
