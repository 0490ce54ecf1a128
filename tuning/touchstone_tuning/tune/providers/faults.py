"""What went wrong at a provider, in the user's words. Owns how errors of SDKs become those of `touchstone.errors`.

An SDK is known by what its errors carry (a status, a body, the names of their classes), so that none is imported here.
Whatever it does not know goes through as it came: it is a bug, and should look like one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from touchstone.errors import CallError, CallFailed, CallRefused, ModelUnavailable
from touchstone.models.keys import LEAST, without_keys

EXTRA = "pip install 'pytest-touchstone[tune]'"
AGAIN = "run the same command again: what was taken is found, and not asked for twice"
LOST = frozenset({"APIConnectionError", "TransportError", "ConnectionError", "Timeout", "TimeoutError"})
"""How classes of errors are named that mean that no answer came, in openai, together, fireworks, httpx, google.auth."""
SDKS = frozenset({"OpenAIError", "TogetherError", "FireworksError"})
"""The bases of what the SDKs raise; without a status they refused by themselves, and asked nobody."""
SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_funds"})
"""Codes that mean that money or a quota has run out, which waiting does not mend."""
MONEY = re.compile(r"\b(billing|credits?|insufficient (quota|funds|balance)|spend(ing)? limit|suspended)\b", re.I)
MASKED = re.compile(r"\S*\*{3,}\S*")
"""A key as providers show it, with its middle starred out."""
LONGEST = 400
PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that may be another tomorrow."""


def faults(provider: str, key_env: str, secrets: Sequence[str] = ()) -> AbstractContextManager[None]:
    """Within it, errors of an SDK become `ModelUnavailable`, `CallRefused` or `CallFailed`, in words fit to show.

    `provider` is named in the words, `key_env` is the variable to set where the key is at fault, and `secrets` are
    values that no word may hold, beside those that the environment's keys have.
    """
    return _Faults(provider, key_env, tuple(s for s in secrets if len(s) >= LEAST))


@dataclass(frozen=True, slots=True)
class _Faults(AbstractContextManager[None]):
    provider: str
    key_env: str
    secrets: tuple[str, ...]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told = self._told(error) if isinstance(error, Exception) and not isinstance(error, CallError) else None
        if told is not None:
            raise told from None  # its chain may hold headers, and so keys

    def _told(self, error: Exception) -> CallError | None:
        """The same in our words; None for what is no provider's error."""
        status = status_of(error)
        if isinstance(error, ImportError):
            return ModelUnavailable(f"{self.provider} needs more libraries ({self._clean(str(error))}): {EXTRA}")
        if status is not None:
            return self._answered(status, error)
        return self._unanswered(error)

    def _unanswered(self, error: Exception) -> CallError | None:
        """What has no status: no answer, or one that is none, or the SDK said no by itself."""
        if unreadable(error):
            return CallFailed(f"{self.provider} answered in a way that cannot be read; {AGAIN}")
        if names_of(error) & LOST:
            return CallFailed(f"no answer from {self.provider} ({self._clean(str(error))}); {AGAIN}")
        if "GoogleAuthError" in names_of(error):
            return self._without_token(error)
        return CallRefused(f"{self.provider}: {self._clean(str(error))}") if names_of(error) & SDKS else None

    def _without_token(self, error: Exception) -> CallError:
        """Google's libraries found no credentials, or got no token for them: they are old, or it could not just now."""
        words = self._clean(str(error.args[0] if error.args else error))
        if "RefreshError" not in names_of(error):
            return ModelUnavailable(f"{self.provider}: {words}; set {self.key_env}")
        if getattr(error, "retryable", False):
            return CallFailed(f"no token for {self.provider} ({words}); {AGAIN}")
        return CallRefused(f"{self.provider} does not take the credentials in {self.key_env} ({words}); set others")

    def _answered(self, status: int, error: Exception) -> CallError:
        words = f"{status}: {self._clean(words_of(error))}"
        if status == 402 or spent(error):
            return CallRefused(f"{self.provider} has no money or quota left for this ({words}); raise it there")
        if status == 401:
            return CallRefused(f"{self.provider} does not take the key in {self.key_env} ({words}); set another")
        if status == 403:
            return CallRefused(f"{self.provider} does not allow this with the key in {self.key_env} ({words})")
        if status < 400:
            return CallFailed(f"{self.provider} answered in a way that cannot be read ({words}); {AGAIN}")
        if status in PASSING or status >= 500:
            return CallFailed(f"{self.provider}: {words}; {AGAIN}", retry_after=wait_of(error))
        return CallRefused(f"{self.provider}: {words}")

    def _clean(self, text: str) -> str:
        return clean(text, self.key_env, self.secrets)


def clean(text: str, key_env: str = "", secrets: Sequence[str] = ()) -> str:
    """One line without any key, of at most LONGEST characters."""
    for secret in (s for s in secrets if len(s) >= LEAST):
        text = text.replace(secret, f"<{key_env}>")
    line = " ".join(MASKED.sub("<key>", without_keys(text)).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def status_of(error: Exception) -> int | None:
    """The HTTP status that an SDK's error carries: `status_code`, Google's `code`, or that of its `response`."""
    response = getattr(error, "response", None)
    found = (getattr(error, "status_code", None), getattr(error, "code", None), getattr(response, "status_code", None))
    return next((s for s in found if isinstance(s, int) and 100 <= s <= 599), None)


def unreadable(error: Exception) -> bool:
    """Whether an answer was no JSON, or none of the shape that the SDK hopes for: it hands text and lists on as is."""
    if isinstance(error, AttributeError):
        return isinstance(error.obj, str | list | dict)
    return isinstance(error, json.JSONDecodeError)


def given(id: str | None, provider: str) -> str:
    """The id that an answer is read for. Raises CallFailed where the answer came without."""
    if not isinstance(id, str) or not id:
        raise CallFailed(f"{provider} answered without an id; {AGAIN}")
    return id


def names_of(error: Exception) -> set[str]:
    """The names of its class and of all that it comes from."""
    return {kind.__name__ for kind in type(error).__mro__}


def words_of(error: Exception) -> str:
    """The provider's own reason, from the body of its answer; what the SDK says where the body has none."""
    detail = detail_of(error)
    words = detail.get("message") or detail.get("detail")
    if not words and isinstance(getattr(error, "body", None), str):
        words = error.body  # type: ignore[attr-defined]
    return str(words or getattr(error, "message", None) or error or type(error).__name__)


def detail_of(error: Exception) -> Mapping[str, Any]:
    """The inner `error` of the body, however deep the SDK left it; empty where there is none."""
    body = getattr(error, "body", None) or getattr(error, "details", None)
    body = body[0] if isinstance(body, list) and body else body
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(inner, str):
        return {"message": inner}
    return inner if isinstance(inner, Mapping) else {}


def spent(error: Exception) -> bool:
    """Whether it says that money or a lasting quota has run out."""
    detail = detail_of(error)
    if {str(detail.get("code")), str(detail.get("type"))} & SPENT:
        return True
    return status_of(error) in (403, 412, 429) and MONEY.search(words_of(error)) is not None


def wait_of(error: Exception) -> float | None:
    """Seconds of its `Retry-After`; None where there is none, or it is a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None
