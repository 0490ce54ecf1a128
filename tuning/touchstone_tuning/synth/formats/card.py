"""The card of a folder: README.md, whose head says which file is of which split. Owns its text; reads no row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from touchstone.errors import UsageError

from .columns import MARK
from .value import Splits, decoded

CARD = "README.md"
OURS = "Rows written by `touchstone synth`."


def card(rows: Splits, keys: Sequence[str]) -> str:
    """The text of the card."""
    files = [{"split": split, "path": f"data/{split}-00000-of-00001.parquet"} for split in rows]
    head = yaml.safe_dump({"configs": [{"config_name": "default", "data_files": files}]}, sort_keys=False)
    counts = "\n".join(f"* {split}: {len(found)} rows" for split, found in rows.items())
    how = f"A column named `...{MARK}` holds JSON text (`json.loads`); an empty cell is a key that the row lacks."
    return f"---\n{head}---\n\n# Rows\n\n{OURS}\n\n{counts}\n\n{how}\n"


def configuration(path: Path, shown: str) -> Any:
    """The one configuration of the card; None where it has none."""
    card, where = path / CARD, f"{shown}/{CARD}"
    head = (
        re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", decoded(card.read_bytes(), where), re.DOTALL)
        if card.is_file()
        else None
    )
    try:
        data = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError as error:
        raise UsageError("its head is no YAML", where=where, hint="mend what stands between its --- lines") from error
    configs = data.get("configs") if isinstance(data, dict) else None
    if not isinstance(configs, list) or not configs:
        return None
    chosen = [
        one for one in configs if isinstance(one, dict) and (one.get("default") or one.get("config_name") == "default")
    ]
    if len(chosen or configs) > 1:
        raise UsageError("has several configs", where=where, hint="write `default: true` under the one to read")
    return (chosen or configs)[0]


def patterns(config: Any, where: str) -> Iterator[tuple[str, list[str]]]:
    """(split, globs) of a configuration: its files are text, a list of text, or a list of mappings."""
    files = config.get("data_files", []) if isinstance(config, dict) else []
    for one in files if isinstance(files, list) else [files]:
        entry = one if isinstance(one, dict) else {"split": "train", "path": one}
        globs = entry.get("path")
        globs = [globs] if isinstance(globs, str) else globs
        if (
            not isinstance(entry.get("split"), str)
            or not isinstance(globs, list)
            or not all(isinstance(g, str) for g in globs)
        ):
            raise UsageError(
                "its data_files cannot be read", where=where, hint="- split: train\n    path: data/train-*"
            )
        yield entry["split"], globs
