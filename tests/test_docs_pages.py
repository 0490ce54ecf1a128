"""The pages that no command makes: what they say of other pages is what stands there."""

from __future__ import annotations

import re
import tomllib

from doc_commands import ROOT

PAGES = ROOT / "docs"


def test_figures_of_the_comparison_were_measured() -> None:
    measured = (PAGES / "benchmarks.md").read_text(encoding="utf-8")
    told = re.findall(r"\d+\.\d\d s", (PAGES / "comparison.md").read_text(encoding="utf-8"))
    assert len(told) == 13
    assert not [figure for figure in told if figure not in measured]


def test_every_page_stands_once_in_the_navigation() -> None:
    text = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    named = re.findall(r'"([^"]+\.md)"', text)
    there = [str(page.relative_to(PAGES)) for page in PAGES.rglob("*.md")]
    assert sorted(named) == sorted(there)


def test_links_between_pages_lead_somewhere() -> None:
    """Files alone; places in them are the site's build to check."""
    dead = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES.rglob("*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert not dead
