"""The tree of topics: the task's own, written by hand, or asked of the teacher. Finds them; makes no row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from touchstone.errors import UsageError

from .plan import Ask, Named
from .task import Task
from .teacher import Teacher
from .topic import Topic


async def find_topics(named: Named, task: Task | None, teacher: Teacher | None) -> tuple[Topic, ...]:
    """Every topic of the plan, in a stable order. Raises UsageError where there is none."""
    given = named.plan.topics
    if given == "task":
        found = _of_task(named, task)
    elif isinstance(given, Ask) and teacher is not None:
        found = tuple([Topic(path) async for path in _asked(given, teacher)])
    else:
        found = tuple(Topic(path) for path in _written(given))
    if not found:
        raise UsageError("gives no topic", where=named.shown, hint="topics: task, a tree, or {root, width, depth}")
    return found


def chosen(topics: Sequence[Topic], globs: Sequence[str]) -> tuple[Topic, ...]:
    """Those that any of the globs fits; all, without globs. A glob after `!` leaves out."""
    take = [one for one in globs if not one.startswith("!")]
    drop = [one[1:] for one in globs if one.startswith("!")]
    kept = (t for t in topics if not take or any(fnmatchcase(t.id, one) for one in take))
    return tuple(t for t in kept if not any(fnmatchcase(t.id, one) for one in drop))


def _of_task(named: Named, task: Task | None) -> tuple[Topic, ...]:
    if task is None:
        raise UsageError("topics: task wants a task", where=named.shown, hint="task: module:attribute")
    return tuple(task.topics())


def _written(tree: Any, above: str = "") -> Iterator[str]:
    """The leaves of a tree written by hand, as paths."""
    if isinstance(tree, Mapping):
        for name, below in tree.items():
            yield from _written(below, f"{above}{name}/") if below else iter((f"{above}{name}",))
    elif isinstance(tree, list | tuple):
        for one in tree:
            yield from _written(one, above)
    else:
        yield f"{above}{tree}"


async def _asked(ask: Ask, teacher: Teacher) -> Any:
    """Paths from a tree that the teacher grows, level by level; what it repeats stands once."""
    level = [ask.root]
    for _ in range(ask.depth):
        below: dict[str, None] = {}
        for path in level:
            names = await teacher.topics(path.replace("/", " > "), ask.width)
            below.update(dict.fromkeys(f"{path}/{name.replace('/', ' ')[:60]}" for name in names))
        level = list(below) or level
    for path in level:
        yield path.removeprefix(f"{ask.root}/")
