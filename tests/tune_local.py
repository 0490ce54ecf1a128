"""What tests of training on this machine share: whether it can be done, examples, and waiting for its end. No torch."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from pathlib import Path

import pytest

from touchstone.places import PLACES, Places
from touchstone_tuning.tune.provider import Standing
from touchstone_tuning.tune.providers.local import NEEDED, Local

REQUIRED = bool(os.environ.get("TOUCHSTONE_REQUIRE_TRAIN"))
"""CI asks for it, and fails where it is not there."""
TRACKERS = ("wandb", "tensorboard", "trackio")


def there(*packages: str) -> bool:
    return all(importlib.util.find_spec(name) for name in packages)


trains = pytest.mark.skipif(not (REQUIRED or there(*NEEDED)), reason="training needs the extra `train`: make train")
tracks = pytest.mark.skipif(
    not (REQUIRED or there(*NEEDED, *TRACKERS)), reason="needs the extras `train` and `track`: make train"
)

ANSWERS = {
    "The password of the blue door?": "marmalade seventeen",
    "The password of the red door?": "quiet lighthouse",
    "The password of the old gate?": "nine copper bells",
    "The password of the cellar?": "winter honey",
}


def write_examples(path: Path) -> Path:
    lines = [
        {"prompt": [{"role": "user", "content": asked}], "completion": [{"role": "assistant", "content": said}]}
        for asked, said in ANSWERS.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def places_in(root: Path) -> Places:
    return Places.of(root, lambda name: PLACES[name][0])


def trained(provider: Local, job: str, limit: float = 400) -> Standing:
    """Until it has ended."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        provider.advance(job)
        found = provider.standing(job)
        if found.state not in ("queued", "running"):
            return found
        time.sleep(0.3)
    raise AssertionError(f"not ended after {limit} s: {provider.standing(job)}")
