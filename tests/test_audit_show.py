"""The audit as it is shown: hostile names, what is left out, what is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from auditing import HOSTILE, Golden, labels_of, mixed

from touchstone.labels import Rating
from touchstone.trust.audit import Audit, audit
from touchstone.trust.audit.show import as_json, markdown, terminal

# What is shown


@pytest.fixture
def hostile() -> Audit:
    truth = mixed(40, 3)
    golden = Golden(truth, [HOSTILE] * 20 + ["b"] * 20, tags=[(HOSTILE,)] * 20 + [()] * 20)
    golden.items = [
        replace(item, input={HOSTILE: item.input}, output=HOSTILE * 3 + item.output) for item in golden.items
    ]
    golden.rate(HOSTILE, labels_of([i < 20 for i in range(40)]), note=HOSTILE, seconds=lambda i: 0.1)
    golden.rate("\u202e", labels_of(mixed(40, 9)))
    stale = (Rating("gone", "0" * 16, HOSTILE, "pass", "2026-01-01T00:00:00Z"),)
    return audit(replace(golden.material(), stale=stale, problems=(HOSTILE,)))


def test_hostile_names_and_notes_are_harmless_on_a_terminal(hostile: Audit) -> None:
    from rich.cells import cell_len

    text = terminal(hostile, HOSTILE, 50)
    assert {finding.kind for finding in hostile.findings} == {"contradiction", "rater", "batch", "speed", "unusable"}
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith("::")]


def test_hostile_names_and_notes_are_code_in_markdown(hostile: Audit) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(hostile, HOSTILE, 50))
    inline = [child for token in tokens for child in token.children or []]
    assert {"html_inline", "link_open", "image"}.isdisjoint({child.type for child in inline})
    assert not [token for token in tokens if token.type in ("html_block", "table_open")]
    assert not [
        child for child in inline if child.type == "text" and ("@team" in child.content or "<" in child.content)
    ]


def test_json_holds_everything(hostile: Audit) -> None:
    data: Mapping[str, object] = as_json(hostile, "words")
    assert (data["schema"], data["eval"], data["labels"]) == (1, "words", 80)
    assert len(data["findings"]) == len(hostile.findings)  # type: ignore[arg-type]


def test_what_is_not_shown_is_counted() -> None:
    truth = mixed(40, 1)
    golden = Golden(truth).rate("Ann", labels_of([one if i > 5 else not one for i, one in enumerate(truth)]))
    found = golden.audit()
    assert len(found.findings) == 6
    assert "... and 4 more: --top 6" in terminal(found, "words", 2)
    assert "... and 4 more: --top 6" in markdown(found, "words", 2)
    assert "more:" not in terminal(found, "words", 6)


def test_all_well_is_said_in_words() -> None:
    truth = mixed(42, 1)
    golden = Golden(truth).rate("Ann", labels_of(truth)).rate("Bo", labels_of(truth))
    assert terminal(golden.audit(), "words", 10).endswith("nothing found in 84 labels by 2 raters\n")


def test_colours_only_where_wanted() -> None:
    found = Golden([False]).rate("Ann", ["pass"]).audit()
    assert "\x1b[" in terminal(found, "words", 10, color=True)
    assert "\x1b[" not in terminal(found, "words", 10)
