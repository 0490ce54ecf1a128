"""Google Cloud over REST, where the SDK of Gemini does not reach: a bucket's objects, Vertex's endpoints. Knows no job.

Its answers are those of the JSON APIs of Cloud Storage (storage.objects) and Vertex AI (projects.locations.endpoints).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from touchstone.errors import CallFailed, CallRefused

from .faults import clean

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_S = 120.0
LOOKS = 120
"""So often an operation is looked at before it is given up."""
JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Google's cloud."""

    project: str
    location: str
    bucket: str
    vertex: str
    """Address of Vertex's API, without a path."""
    storage: str
    """Address of Cloud Storage's API, without a path."""

    @property
    def parent(self) -> str:
        """The name that Vertex's names begin with."""
        return f"projects/{self.project}/locations/{self.location}"


@dataclass(frozen=True, slots=True)
class Cloud:
    """Google Cloud, asked with one's credentials. Raises google.genai's APIError for what it refuses."""

    place: Place
    session: Any
    """google.auth's AuthorizedSession, which says nothing of its types."""
    wait_s: float
    """Between two looks at an operation."""

    def holds(self, name: str) -> bool:
        """Whether the bucket has an object of this name."""
        url = f"{self.place.storage}/storage/v1/b/{self.place.bucket}/o/{quote(name, safe='')}"
        return self._found(url) is not None

    def store(self, file: Path, name: str) -> None:
        """Put the file into the bucket; one that is there already is left as it is."""
        url = f"{self.place.storage}/upload/storage/v1/b/{self.place.bucket}/o"
        query = {"uploadType": "media", "name": name, "ifGenerationMatch": "0"}
        with file.open("rb") as opened:
            head = {"Content-Type": "application/jsonl"}
            answer = self.session.request("POST", url, data=opened, params=query, headers=head, timeout=TIMEOUT_S)
        if answer.status_code != 412:  # so it says that there is one by now
            _read(answer)

    def endpoints(self, label: str) -> Iterator[JSON]:
        """Those that have the label, over all pages."""
        query = {"filter": f"labels.{label}:*", "pageSize": "100"}
        while True:
            page = self._ask("GET", self._url(f"{self.place.parent}/endpoints"), params=query)
            yield from page.get("endpoints", ())
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = page["nextPageToken"]

    def endpoint(self, id: str) -> JSON | None:
        """The endpoint; None where there is none."""
        return self._found(self._endpoint_url(id))

    def remove(self, endpoint: JSON) -> None:
        """Undeploy what is on the endpoint, and delete it."""
        url = self._endpoint_url(str(endpoint["name"]).rpartition("/")[2])
        for model in endpoint.get("deployedModels", ()):
            self._finish(self._ask("POST", f"{url}:undeployModel", json={"deployedModelId": model["id"]}))
        self._finish(self._ask("DELETE", url))

    def _endpoint_url(self, id: str) -> str:
        return self._url(f"{self.place.parent}/endpoints/{id}")

    def _url(self, name: str) -> str:
        return f"{self.place.vertex}/v1/{name}"

    def _finish(self, operation: JSON) -> None:
        """Wait until an operation is done. Raises CallRefused where it ended with an error."""
        for _ in range(LOOKS):
            if operation.get("done"):
                break
            time.sleep(self.wait_s)
            operation = self._ask("GET", self._url(str(operation["name"])))
        else:
            raise CallFailed(f"Vertex is still at {operation['name']}; run the same command again")
        if error := operation.get("error"):
            raise CallRefused(f"Vertex: {clean(str(error.get('message') or error))}")

    def _ask(self, method: str, url: str, **more: Any) -> JSON:
        return _read(self.session.request(method, url, timeout=TIMEOUT_S, **more))

    def _found(self, url: str) -> JSON | None:
        answer = self.session.request("GET", url, timeout=TIMEOUT_S)
        return None if answer.status_code == 404 else _read(answer)


def credentials() -> Any:
    """One's own, as Google's libraries look for them. Raises DefaultCredentialsError where there are none."""
    from google.auth import default

    return default(scopes=[SCOPE])[0]


@contextmanager
def cloud(place: Place, wait_s: float) -> Iterator[Cloud]:
    """Google Cloud within; its connections are closed after."""
    from google.auth.transport.requests import AuthorizedSession

    open_session: Any = AuthorizedSession
    # A 401 is told and not tried again: a file that has been read to its end would be sent as an empty one.
    with open_session(credentials(), refresh_status_codes=()) as session:
        yield Cloud(place, session, wait_s)


def _read(answer: Any) -> JSON:
    """The body of a good answer. Raises google.genai's APIError for another."""
    from google.genai.errors import APIError

    APIError.raise_for_response(answer)
    body = answer.json() if answer.content else {}
    return body if isinstance(body, dict) else {}
