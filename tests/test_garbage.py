"""The collector: spared while evals run, and afterwards as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from projects import Project

from touchstone.garbage import Spared


@pytest.fixture
def spared() -> Iterator[Spared]:
    made = Spared()
    yield made
    made.end()


class Node:
    """Something in a cycle."""

    def __init__(self) -> None:
        self.self = self


def test_what_lives_is_set_aside_until_the_end(spared: Spared) -> None:
    before = list(gc.callbacks), gc.get_threshold()
    spared.begin()
    assert gc.get_freeze_count() > 0
    spared.end()
    assert gc.get_freeze_count() == 0
    assert (list(gc.callbacks), gc.get_threshold()) == before


def test_what_outlives_a_full_collection_is_set_aside_too(spared: Spared) -> None:
    spared.begin()
    before = gc.get_freeze_count()
    kept = [[n] for n in range(1000)]
    gc.collect()
    assert gc.get_freeze_count() >= before + len(kept)


def test_garbage_is_collected_all_the_same(spared: Spared) -> None:
    spared.begin()
    gone = weakref.ref(Node())
    gc.collect()
    assert gone() is None


def test_what_falls_to_pieces_after_it_was_set_aside_is_collected_at_the_end(spared: Spared) -> None:
    node = Node()
    late = weakref.ref(node)
    spared.begin()
    del node
    gc.collect()
    assert late() is not None
    spared.end()
    gc.collect()
    assert late() is None


def test_where_somebody_else_froze_nothing_is_done(spared: Spared) -> None:
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        spared.begin()
        spared.end()
        assert gc.get_freeze_count() == before
    finally:
        gc.unfreeze()


def test_where_collection_is_off_nothing_is_done(spared: Spared) -> None:
    gc.disable()
    try:
        spared.begin()
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("options", [(), ("--collect-only",), ("--plan",), ("-k", "nothing")])
def test_a_run_leaves_the_collector_as_it_was(project: Project, options: tuple[str, ...]) -> None:
    before = list(gc.callbacks), gc.get_threshold()
    project.run(*options)
    assert gc.get_freeze_count() == 0
    assert (list(gc.callbacks), gc.get_threshold()) == before
