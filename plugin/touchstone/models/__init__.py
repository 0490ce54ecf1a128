"""The one door to models: `complete(request) -> response`. Owns which adapter serves which model name; calls none.

Cache, recordings, retry and fakes have the shape of `Model` too, one around another. Nothing heavy is imported
until a call is really made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..records import Request, Response, RunConfig

LOCAL = ("embedded/", "gguf/")
IMPORTED = "imported/"
"""No model: its answers were made elsewhere, and are all that there is (`outputs`). What follows says where."""


class Model(Protocol):
    """Whatever answers requests."""

    async def complete(self, request: Request) -> Response:
        """The answer, or a `CallError`: never an empty answer in place of a failure."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; the model may be asked again afterwards."""
        ...


def open_model(config: RunConfig, root: Path) -> Model:
    """The adapter for `config.model`; loads and connects nothing yet. `root` is the project's root folder."""
    if config.model.startswith(LOCAL):
        from .embedded import Embedded

        return Embedded.of(config, root)
    if config.model.startswith("python/"):
        from .function import Function

        return Function.of(config, root)
    if config.model.startswith("openai-compatible/"):
        from .compatible import Compatible

        return Compatible.of(config, root)
    from .hosted import Hosted

    return Hosted.of(config, root)


def identity(config: RunConfig, root: Path) -> str:
    """What stands in `Request.model`: the name as given, with `@sha256:…` for weights or code that runs here.

    A tuned model's adapter follows its weights: `@sha256:…+sha256:…`.

    Raises UsageError where the weights cannot be told: no file, no `sha256`, or the two differ.
    """
    if config.model.startswith("python/"):
        from .function import sources

        return f"{config.model}@sha256:{sources(config, root)}"
    if not config.model.startswith(LOCAL):
        return config.model
    from .weights import known_adapter, known_sha256

    adapter = known_adapter(config, root)
    return f"{config.model}@sha256:{known_sha256(config, root)}" + (f"+sha256:{adapter}" if adapter else "")


def missing(config: RunConfig, root: Path) -> str | None:
    """Why this run-config cannot make live calls here, as words for its user; None where it can."""
    if config.model.startswith(LOCAL):
        from .embedded import lacking

        return lacking(config, root)
    if config.model.startswith("python/"):
        return None
    if config.model.startswith(IMPORTED):
        return f"run-config {config.name!r} was imported: `model:` names nothing that can be called"
    from .keys import lacking_key

    return lacking_key(config)
