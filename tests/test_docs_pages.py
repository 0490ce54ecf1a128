"""The pages, and the site that is built of them: what they show can be used, and what they name is there."""

from __future__ import annotations

import ast
import re
import runpy
import textwrap
import tomllib
from pathlib import Path

import pytest
from doc_commands import ROOT
from markdown_it import MarkdownIt

from touchstone.config import Catalogue, load_catalogue
from touchstone.judges import load_judge
from touchstone.places import PLACES, Places
from touchstone.records import RunConfig

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


def fences(language: str, holds: str) -> list[tuple[str, str]]:
    """(page, content) of blocks of a language that hold some words."""
    found = []
    for page in [ROOT / "README.md", *sorted(PAGES.rglob("*.md"))]:
        tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
        blocks = [token.content for token in tokens if token.type == "fence" and token.info.split(" ")[0] == language]
        found += [(str(page.relative_to(ROOT)), block) for block in blocks if holds in block]
    return found


@pytest.mark.parametrize(("page", "block"), fences("yaml", "run_configs:"))
def test_run_configs_on_pages_can_be_read(page: str, block: str, tmp_path: Path) -> None:
    places = Places.of(tmp_path, lambda name: PLACES[name][0])
    places.run_configs.parent.mkdir()
    places.run_configs.write_text(block)
    assert load_catalogue(places).run_configs


@pytest.mark.parametrize(("page", "block"), fences("jinja", "\noutput:"))
def test_judges_on_pages_can_be_read(page: str, block: str, tmp_path: Path) -> None:
    places = Places.of(tmp_path, lambda name: PLACES[name][0])
    places.judges.mkdir(parents=True)
    (places.judges / "polite.j2").write_text(block)
    assert load_judge("polite", places, Catalogue((RunConfig(name="main", model="a/b", prompt="c"),))).head.eval


@pytest.mark.parametrize(("page", "block"), fences("python", ""))
def test_python_on_pages_is_python(page: str, block: str) -> None:
    alone = block.splitlines()[-1].startswith("@")  # a mark, of whatever test
    ast.parse(textwrap.dedent(block) + ("def test(): ..." if alone else ""), page)


SITE = runpy.run_path(str(ROOT / ".ci/docs"))
GOOD = '<html><body><article><h2 id="here">Here</h2></article></body></html>'


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ('<a href="../other/#here">', ""),
        ('<a href="#there"><h2 id="there">', ""),
        ('<a href="https://example.com/">', ""),
        ('<a href="../gone/">', "leads to ../gone/, which is not there"),
        ('<a href="../other/#gone">', "leads to ../other/#gone, which is not there"),
        ('<img src="gone.png">', "leads to gone.png, which is not there"),
        ('<script src="https://cdn.example/x.js">', "loads https://cdn.example/x.js from another host"),
        ('<link rel="stylesheet" href="//fonts.example/x">', "loads //fonts.example/x from another host"),
        ('<pre class="mermaid">', "loads //mermaid from another host"),
    ],
)
def test_what_is_wrong_with_a_page_of_the_site_is_told(tmp_path: Path, html: str, told: str) -> None:
    for name, text in {"other": GOOD, "page": html}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(text)
    faults = SITE["Page"](tmp_path / "page/index.html").faults(tmp_path)
    assert faults == ([f"page/index.html: {told}"] if told else [])


def test_a_list_that_only_one_reader_sees_is_told() -> None:
    shape, markdown = SITE["shape"], MarkdownIt("commonmark")
    assert shape(markdown.render("Text:\n* one\n"))["li"] == 1
    assert shape("<p>Text:\n* one</p>")["li"] == 0
