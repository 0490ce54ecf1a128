"""The baseline of `calls`: a script with aiohttp and nothing else.

`python -m benchmarks.bare_client URL CALLS FLIGHT` prints how many answers it got.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from .project import question


async def main(url: str, calls: int, flight: int) -> None:
    """Ask every question, so many at a time, and read every answer."""
    connector = aiohttp.TCPConnector(limit=flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(number: int) -> str:
            messages = [{"role": "user", "content": f"Answer in one word.\n{question(number)}"}]
            async with session.post(f"{url}/chat/completions", json={"model": "mock", "messages": messages}) as answer:
                return str((await answer.json())["choices"][0]["message"]["content"])

        answers = await asyncio.gather(*(ask(number) for number in range(calls)))
    print(sum(1 for text in answers if text), "answers")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
