"""What goes wrong at a provider, in the user's words: by what errors carry, whichever SDK they are of."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from touchstone.errors import CallError, CallFailed, CallRefused, ModelUnavailable
from touchstone_tuning.tune.providers.faults import LONGEST, faults

SECRET = "fw-9f8e7d6c5b4a"


class APIStatusError(Exception):
    """As in the SDKs that Stainless makes."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.status_code, self.body = status, body
        self.response = SimpleNamespace(status_code=status, headers=headers or {})
        super().__init__(f"Error code: {status} - {body}")


class APIError(Exception):
    """As in google-genai."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message, self.status = code, message, "SOME_STATUS"
        self.details = [{"error": {"code": code, "message": message, "status": self.status}}]
        super().__init__(f"{code} {self.status}")


class TransportError(Exception):
    """As in httpx and google.auth."""


class GoogleAuthError(Exception):
    """The base of all in google.auth."""


class FireworksError(Exception):
    """The base of all in fireworks."""


def told(error: Exception) -> CallError:
    with pytest.raises(CallError) as caught, faults("Acme", "ACME_API_KEY", (SECRET,)):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (APIStatusError(400, {"error": {"message": "no such file"}}), CallRefused, "Acme: 400: no such file"),
        (APIStatusError(400, {"message": "flat"}), CallRefused, "Acme: 400: flat"),
        (APIStatusError(400, {"error": "a text"}), CallRefused, "Acme: 400: a text"),
        (APIStatusError(422, {"detail": "a detail"}), CallRefused, "Acme: 422: a detail"),
        (APIStatusError(400, "just text"), CallRefused, "Acme: 400: just text"),
        (APIStatusError(401, {"message": "bad"}), CallRefused, "does not take the key in ACME_API_KEY (401: bad)"),
        (APIStatusError(403, {"message": "no"}), CallRefused, "does not allow this with the key in ACME_API_KEY"),
        (APIStatusError(402, {"message": "pay"}), CallRefused, "no money or quota left for this (402: pay)"),
        (APIStatusError(412, {"message": "account suspended"}), CallRefused, "no money or quota left"),
        (APIStatusError(429, {"code": "insufficient_quota"}), CallRefused, "no money or quota left"),
        (APIStatusError(429, {"message": "slow down"}), CallFailed, "Acme: 429: slow down; run the same"),
        (APIStatusError(503, None), CallFailed, "Acme: 503: "),
        (APIStatusError(200, "<html>"), CallFailed, "answered in a way that cannot be read (200: <html>)"),
        (APIError(404, "no model"), CallRefused, "Acme: 404: no model"),
        (APIError(429, "Quota exceeded for requests per minute"), CallFailed, "Acme: 429: Quota exceeded"),
        (TransportError("reset"), CallFailed, "no answer from Acme (reset)"),
        (ConnectionResetError("by peer"), CallFailed, "no answer from Acme (by peer)"),
        (TimeoutError("too long"), CallFailed, "no answer from Acme (too long)"),
        (GoogleAuthError("no credentials"), ModelUnavailable, "Acme: no credentials; set ACME_API_KEY"),
        (FireworksError("not this ending"), CallRefused, "Acme: not this ending"),
        (json.JSONDecodeError("no", "<html>", 0), CallFailed, "answered in a way that cannot be read"),
        (ModuleNotFoundError("No module named 'acme'"), ModelUnavailable, "pip install 'pytest-touchstone[tune]'"),
    ],
    ids=repr,
)
def test_each_is_told_as_what_it_is(error: Exception, kind: type[CallError], words: str) -> None:
    found = told(error)
    assert type(found) is kind
    assert words in str(found)


def test_no_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "other-0123456789")
    found = str(told(APIStatusError(401, {"message": f"{SECRET} other-0123456789 sk-a***********9z"})))
    assert "(401: <ACME_API_KEY> <OTHER_API_KEY> <key>)" in found


def test_the_words_are_one_line_of_a_length() -> None:
    found = str(told(APIStatusError(400, {"message": "a\nb " * 1000})))
    assert "\n" not in found
    assert len(found) < LONGEST + 20


@pytest.mark.parametrize(("given", "seconds"), [("3", 3.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_the_wish_for_a_wait_is_kept(given: str, seconds: float | None) -> None:
    found = told(APIStatusError(429, {}, {"retry-after": given}))
    assert isinstance(found, CallFailed)
    assert found.retry_after == seconds


@pytest.mark.parametrize("bug", [KeyError("x"), TypeError("y"), ValueError("z"), AttributeError("a", obj=3)])
def test_a_bug_goes_through_as_it_came(bug: Exception) -> None:
    with pytest.raises(type(bug)), faults("Acme", "ACME_API_KEY"):
        raise bug


def test_what_is_told_already_goes_through() -> None:
    first = CallRefused("said")
    assert told(first) is first
