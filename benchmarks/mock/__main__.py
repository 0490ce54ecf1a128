"""`python -m benchmarks.mock --latency 0.2 ...`: prints its base URL on the first line and serves until killed."""

from __future__ import annotations

import argparse
import asyncio

from .fates import FAULTS, Fates, parsed
from .server import Provider, start


def main() -> None:
    """Serve as the options say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mock", description=__doc__)
    for name, default, what in _NUMBERS:
        parser.add_argument(f"--{name}", type=float, default=default, help=what)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of what becomes of each request")
    parser.add_argument("--faults", default="", help=f"NAME=SHARE,...; of {', '.join(FAULTS)}")
    parser.add_argument("--no-headers", action="store_true", help="tell nothing of limits, nor how long to wait")
    options = parser.parse_args()
    fates = Fates(options.latency, options.jitter, parsed(options.faults), options.seed)
    provider = Provider(
        fates,
        rate=options.rate,
        burst=options.burst,
        token_rate=options.token_rate,
        tells=not options.no_headers,
        input_cost=options.input_cost,
        output_cost=options.output_cost,
        drip=options.drip,
    )
    asyncio.run(_serve(provider, options.port))


_NUMBERS: tuple[tuple[str, float | None, str], ...] = (
    ("latency", 0.0, "seconds until an answer"),
    ("jitter", 0.0, "share of the latency that it may be early or late"),
    ("rate", None, "requests a second that are let through (default: all)"),
    ("burst", None, "requests at once after a rest (default: a second's worth)"),
    ("token-rate", None, "tokens a second that are let through (default: all)"),
    ("input-cost", 0.0, "US dollars a million tokens, for the server's own account"),
    ("output-cost", 0.0, "the same for what it answers"),
    ("drip", 5.0, "seconds that a dripping answer takes"),
)


async def _serve(provider: Provider, port: int) -> None:
    _, url = await start(provider, port)
    print(url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
