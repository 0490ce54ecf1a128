"""The house: imports go down its floors only, never round in a circle, and each part knows only what it may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "plugin/touchstone"
FLOORS = {
    0: ("records", "errors", "labels"),
    1: (
        "places",
        "stats",
        "gates",
        "fingerprint",
        "scorers",
        "asserts",
        "ideals",
        "checks",
        "schemas",
        "requests",
        "shard",
        "part",
    ),
    2: (
        "yamlfile",
        "datasets",
        "outputs",
        "config",
        "prompts",
        "conversation",
        "media",
        "toolbox",
        "models",
        "cache",
        "caches",
        "claims",
        "bytelock",
        "filesystems",
        "recordings",
        "store",
        "archive",
        "jsonl",
        "wholefile",
        "golden",
        "ratings",
        "baseline",
        "orphans",
        "garbage",
        "gitfile",
        "journal",
        "sending",
        "batching",
    ),
    3: (
        "caching",
        "scoring",
        "calls",
        "dialogue",
        "evals",
        "clustering",
        "engine",
        "session",
        "yardsticks",
        "conclusion",
        "planning",
        "origin",
        "merging",
        "report",
        "reporting",
        "judges",
        "trust",
        "importing",
        "exporting",
        "comparing",
        "starting",
        "health",
    ),
    4: (
        "plugin",
        "running",
        "machines",
        "posting",
        "gateitem",
        "controller",
        "dealing",
        "misses",
        "stopping",
        "ending",
        "progress",
        "cli",
        "api",
        "rating",
    ),
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
EXPORTS = "__init__"


def modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """(dotted name below the folder, file) of each module."""
    for file in sorted(folder.rglob("*.py")):
        yield ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"), file


def imported(file: Path, package: str) -> Iterator[str]:
    """Full names of the modules that a file imports, also inside its functions; not those for types alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in _run(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _run(child)


def package_of(root_package: str, name: str, file: Path) -> str:
    """The package that relative imports of the file start from."""
    full = f"{root_package}.{name}" if name != EXPORTS else root_package
    return full if file.name == "__init__.py" else full.rpartition(".")[0]


@cache
def edges() -> dict[str, set[str]]:
    """Module -> the modules of touchstone that it imports, by their names below the package."""
    known = {name for name, _ in modules(PLUGIN)}
    found: dict[str, set[str]] = {}
    for name, file in modules(PLUGIN):
        names = [
            n.removeprefix("touchstone.")
            for n in imported(file, package_of("touchstone", name, file))
            if n.startswith("touchstone.")
        ]
        found[name] = {_module(n, known) for n in names} - {name, ""}
    return found


def _module(name: str, known: set[str]) -> str:
    """`report.text` for `report.text.clean`."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def test_every_module_has_a_floor() -> None:
    top = {name.partition(".")[0] for name in edges()} - {EXPORTS}
    assert top - FLOOR.keys() == set()


@pytest.mark.parametrize("name", sorted(edges()))
def test_imports_go_down(name: str) -> None:
    part = name.partition(".")[0]
    if part == EXPORTS:
        return
    above = {other for other in edges()[name] if FLOOR.get(other.partition(".")[0], -1) > FLOOR[part]}
    assert above == set()


def test_there_is_no_circle() -> None:
    graph = edges()
    assert list(TopologicalSorter(graph).static_order())


def test_nouns_import_nothing_of_ours_but_each_other() -> None:
    assert edges()["errors"] == set()
    assert edges()["records"] == {"errors"}


@pytest.mark.parametrize("name", [n for floor in range(4) for n in FLOORS[floor]])
def test_only_the_doors_know_pytest(name: str) -> None:
    files = [(n, f) for n, f in modules(PLUGIN) if n == name or n.startswith(f"{name}.")]
    found = {i for n, f in files for i in imported(f, package_of("touchstone", n, f))}
    assert {i for i in found if i.split(".")[0] in ("pytest", "_pytest", "xdist")} == set()


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("fixtures", ("pytest", "_pytest", "touchstone.plugin", "touchstone.running", "touchstone.engine")),
        ("plugin", ("fixtures", "evals", "tuning", "imageio_ffmpeg", "av", "sandlock")),
        ("tuning", ("fixtures", "evals", "pytest", "touchstone.plugin", "touchstone.cli", "imageio_ffmpeg", "av")),
    ],
)
def test_each_part_knows_only_what_it_may(folder: str, forbidden: tuple[str, ...]) -> None:
    base = ROOT / folder
    package = {"fixtures": "fixtures"}.get(folder, "")
    wrong = [
        f"{file.relative_to(ROOT)}: {found}"
        for name, file in modules(base)
        for found in imported(file, package_of(package, name, file).strip(".") or "x")
        if any(found == f or found.startswith(f"{f}.") for f in forbidden)
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["plugin", "tuning"])
def test_the_packages_know_nothing_of_ffmpeg(folder: str) -> None:
    for _, file in modules(ROOT / folder):
        names = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
        assert not [name for name in names if "ffmpeg" in name.lower() or "ffprobe" in name.lower()], file


def test_only_the_training_process_imports_torch() -> None:
    heavy = {"torch", "transformers", "peft", "trl", "gguf", "accelerate"}
    found = {
        name: {i.split(".")[0] for i in imported(file, package_of("touchstone_tuning", name, file))} & heavy
        for name, file in modules(ROOT / "tuning/touchstone_tuning")
    }
    assert {name: them for name, them in found.items() if them} == {
        "tune.local.training": {"torch", "transformers", "peft", "trl"},
        "tune.local.loading": {"torch", "transformers", "peft"},
        "tune.local.trainers": {"torch", "transformers", "trl"},
        "tune.local.adapters": {"gguf"},
    }


def test_only_the_command_line_names_the_tuning_package() -> None:
    users = {
        name
        for name, file in modules(PLUGIN)
        for found in imported(file, package_of("touchstone", name, file))
        if found.startswith("touchstone_tuning")
    }
    assert {name.partition(".")[0] for name in users} <= {"cli"}
