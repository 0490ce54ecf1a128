"""The file: its frame, its styles and scripts, its data, and the policy that allows these and nothing else.

The words of the frame are ours. A browser that keeps the policy runs the scripts whose digests stand in it, applies
the one style, loads nothing from anywhere, and makes no markup out of text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files

from ...labels import Trust
from ...records import SampleRecord
from ..data import LONGEST, as_json
from ..summary import Summary, headline
from ..text import clean
from .columns import Columns, Prompts
from .escaping import encoded
from .pictures import Pictures
from .pool import Pool

ROOM = 3_200_000
"""Bytes for what samples say, however few they are: with the rest the file stays below 5 MB for 2,000."""
_A_SAMPLE = 1_600
_MOST = 16_000_000
PICTURES = 1_000_000
"""Bytes for pictures, likewise."""
_PICTURES_A_SAMPLE = 500
_MOST_PICTURES = 5_000_000
_VENDOR = ("d3.min.js", "plot.umd.min.js")
_SCRIPTS = (
    "text.js",
    "data.js",
    "route.js",
    "parts.js",
    "overview.js",
    "drawing.js",
    "charts.js",
    "judges.js",
    "rows.js",
    "samples.js",
    "pictures.js",
    "values.js",
    "sample.js",
    "words.js",
    "compare.js",
    "keys.js",
    "main.js",
)
"""In an order in which each needs only those before it."""
_MODULES = re.compile(r"^import .* from \"\./[a-z]+\.js\";\n|^export (?=const|let|function|class)", re.MULTILINE)
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def page(summary: Summary, records: Iterable[SampleRecord], prompts: Prompts, where: str = "") -> str:
    """The report of a run as one HTML file.

    `prompts`: what was asked, of as many requests as are known. `where`: the run's folder, named where a text is cut.
    """
    styles, scripts = _read("page.css"), [*(_read(f"vendor/{name}") for name in _VENDOR), _script()]
    policy = _POLICY.format(scripts=" ".join(map(_hashed, scripts)), styles=_hashed(styles))
    parts = {
        "policy": policy,
        "title": html.escape(clean(f"{summary.run.id} - touchstone", 100)),
        "styles": styles,
        "data": _data(summary, records, prompts, where),
        "scripts": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    # One pass: what a part holds is never looked through for another.
    return re.sub(r"\{\{([a-z]+)\}\}", lambda found: parts[found[1]], _read("page.html"))


def _data(summary: Summary, records: Iterable[SampleRecord], prompts: Prompts, where: str) -> str:
    pool, pictures = Pool(), Pictures()
    columns = Columns(pool, pictures, prompts, summary)
    order = {name: place for place, name in enumerate(summary.run_configs)}
    ordered = sorted(records, key=lambda r: (r.eval, r.row, order.get(r.run_config, -1), r.run_config, r.epoch, r.test))
    for record in ordered:
        columns.add(record)
    texts, cuts = pool.written(min(_MOST, max(ROOM, _A_SAMPLE * len(ordered))))
    data = {
        "v": 1,
        "headline": headline(summary),
        "where": where,
        "report": as_json(summary),
        "pairs": {clean(judge.judge, LONGEST): _pairs(judge) for judge in summary.run.judges},
        "cuts": cuts,
        "pictures": pictures.written(min(_MOST_PICTURES, max(PICTURES, _PICTURES_A_SAMPLE * len(ordered)))),
        **columns.as_dict(),
    }
    return f'{encoded(data)[:-1]},"texts":{texts}}}'


def _pairs(judge: Trust) -> list[list[float | int]]:
    """[truth, judge, how many] of a certificate, both rounded to tenths."""
    counted = Counter((round(truth, 1), round(said, 1)) for truth, said, _ in judge.pairs.values())
    return [[truth, said, number] for (truth, said), number in sorted(counted.items())]


def _script() -> str:
    """Our modules as one script: a file that is opened from disk cannot import."""
    joined = "\n".join(_MODULES.sub("", _read(name)) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{joined}}})();\n'


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")
