"""Embedded models: a GGUF file served inside this process by xllamacpp. Owns its threads and slots; no port, no log.

Sampling is greedy (temperature 0, seed 0) unless the request says otherwise. Even so, two runs may differ in rare
cases: what shares a batch with a call, and how much of its prompt is still in a slot, changes the order in which
floats are added, and so, now and then, which of two near-equal tokens wins. Recordings are what makes a run exact.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import CallError, CallFailed, CallRefused, ModelUnavailable
from ..records import Request, Response, RunConfig
from .weights import SMOLLM2, SMOLLM2_SHA256, adapter_file, checked, fetch, find, known_adapter, not_found
from .wire import body_of, error_of, joined, read_answer, today, with_template_thinking

LOAD = ("n_ctx", "slots")
"""Keys of a run-config's `extra` that say how the weights are loaded, not how a call is answered."""
QUIET = -1
"""The verbosity at which llama.cpp writes nothing to the terminal."""
USAGE = {"include_usage": True}
INSTALL = "xllamacpp is not installed: pip install 'pytest-touchstone[local]'"


@dataclass(frozen=True)
class Embedded:
    """A model whose weights are loaded at its first call, once a process however many run-configs name them."""

    config: RunConfig
    root: Path
    context: int = 4096
    """Tokens of one call, prompt and answer together; `extra: {n_ctx: …}` of the run-config."""
    slots: int = 4
    """Calls that are answered at a time; `extra: {slots: …}` of the run-config."""

    @classmethod
    def of(cls, config: RunConfig, root: Path) -> Embedded:
        """As the run-config says."""
        context, slots = config.extra.get("n_ctx", cls.context), config.extra.get("slots", cls.slots)
        return cls(config, root, int(context), int(slots))

    async def complete(self, request: Request) -> Response:
        """Answer on one of the slots, in a thread; waits while all are taken. A cancelled call stops at its next token.

        Raises CallRefused for a prompt over the context or a bad schema, ModelUnavailable without weights.
        """
        runtime, cancelled = await asyncio.to_thread(self._load), threading.Event()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(runtime.threads, runtime.answer, self.config, request, cancelled)
        finally:
            cancelled.set()

    async def aclose(self) -> None:
        """Nothing to close: the weights stay loaded for the process's next event loop."""

    def _load(self) -> Runtime:
        """Blocks while the weights load; calls that come meanwhile wait for the same."""
        with _loading:
            return self._runtime

    @functools.cached_property
    def _runtime(self) -> Runtime:
        """The runtime for these weights. Their SHA-256 is checked, so that no answer stands under another's name."""
        said = self.config.sha256 or (SMOLLM2_SHA256 if self.config.model == SMOLLM2 else None)
        file = fetch(self.config, self.root)
        weights = checked(file, said, self.config, self.root)
        return _loaded(file, weights, self._adapter(), self.context, self.slots)

    def _adapter(self) -> Adapter | None:
        """What is laid over the weights. Raises ModelUnavailable, UsageError."""
        sha256 = known_adapter(self.config, self.root)
        if sha256 is None:
            return None
        file = adapter_file(self.config, self.root)
        if not file.is_file():
            raise ModelUnavailable(f"adapter not found: {self.config.adapter}")
        return Adapter(file, sha256)


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter's file and its SHA-256."""

    file: Path
    sha256: str


def lacking(config: RunConfig, root: Path) -> str | None:
    """Why this model cannot run here; None where it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return INSTALL
    if config.adapter is not None and not adapter_file(config, root).is_file():
        return f"adapter not found: {config.adapter}"
    if find(config, root) is not None:
        return None
    if (config.weights or "").startswith("hf:") and importlib.util.find_spec("huggingface_hub") is not None:
        return None
    return not_found(config)


@dataclass(frozen=True)
class Runtime:
    """One loaded file and the threads that wait on it, one a slot."""

    server: Any
    """An `xllamacpp.Server`: typed loosely, for it is compiled and has no stubs."""
    threads: ThreadPoolExecutor
    made: Mapping[str, str]

    def answer(self, config: RunConfig, request: Request, cancelled: threading.Event) -> Response:
        """Blocks until the answer is there. Streamed only so that `cancelled` can stop it at the next token."""
        if cancelled.is_set():
            raise CallFailed("cancelled")
        chunks: list[dict[str, Any]] = []
        began = time.perf_counter()
        self._stream(_body(request), chunks, cancelled)
        whole, latency = joined(chunks), time.perf_counter() - began
        if "error" in whole:
            raise _error(whole["error"])
        return replace(read_answer(whole, latency, {**self.made, "date": today()}, config), cost=0.0)

    def _stream(self, body: dict[str, Any], chunks: list[dict[str, Any]], cancelled: threading.Event) -> None:
        def take(chunk: dict[str, Any]) -> bool:
            chunks.append(chunk)
            return cancelled.is_set()

        try:
            self.server.handle_chat_completions({**body, "stream": True, "stream_options": USAGE}, take)
        except (TypeError, ValueError, RuntimeError) as error:  # of the C++ side, or orjson: a bad schema, no Unicode
            raise CallRefused(f"the embedded model cannot take this request: {error}") from error


def _body(request: Request) -> dict[str, Any]:
    """The request as the server takes it. Greedy unless the request says otherwise."""
    if any(message.media for message in request.messages):
        raise CallRefused("the embedded model takes text alone, no pictures and no sounds")
    body = {"temperature": 0.0, "seed": request.epoch - 1, **body_of(request)}
    for name in LOAD:
        body.pop(name, None)
    return with_template_thinking(body, request.params.get("thinking"))


def _error(error: Mapping[str, Any]) -> CallError:
    if error.get("type") == "exceed_context_size_error":
        hint = "shorten the prompt, or give the run-config `extra: {n_ctx: ...}`"
        return CallRefused(f"the embedded model: {error.get('message')}\n  {hint}")
    return error_of(int(error.get("code") or 500), {"error": error})


_loading = threading.Lock()


@functools.cache
def _loaded(file: Path, sha256: str, adapter: Adapter | None, context: int, slots: int) -> Runtime:
    """The one runtime of these weights, with that adapter, in this process."""
    try:
        import xllamacpp  # type: ignore[import-untyped]
    except ImportError as error:
        raise ModelUnavailable(INSTALL) from error
    try:
        server = xllamacpp.Server(_parameters(file, adapter, context, slots))
    except RuntimeError as error:
        over = f", or {adapter.file.name} is no adapter of it" if adapter else ""
        why = f"{file.name} cannot be loaded: it is damaged, or no GGUF model, or too big here{over}"
        raise CallRefused(why) from error
    made = {"runtime": f"xllamacpp {xllamacpp.__version__}", "weights": f"{file.name} sha256:{sha256}"}
    if adapter:
        made["adapter"] = f"{adapter.file.name} sha256:{adapter.sha256}"
    return Runtime(server, ThreadPoolExecutor(slots, thread_name_prefix="embedded"), made)


def _parameters(file: Path, adapter: Adapter | None, context: int, slots: int) -> Any:
    """xllamacpp's own: it divides its context among the slots."""
    import xllamacpp

    parameters, cores = xllamacpp.CommonParams(), len(os.sched_getaffinity(0))
    parameters.model.path = str(file)
    parameters.n_ctx, parameters.n_parallel = context * slots, slots
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = cores
    if adapter:
        parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter.file), 1.0)]
    parameters.verbosity = QUIET
    parameters.warmup = False
    return parameters
