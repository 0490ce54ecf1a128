"""`touchstone doctor`: how the project stands on this machine. Words and options alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .words import in_words, places, setting

if TYPE_CHECKING:
    from ..config import Catalogue
    from ..health import Finding
    from ..places import Places
    from ..recordings import Recordings
    from .collecting import Collected


@click.command()
@click.option("--json", "as_data", is_flag=True, help="For programs.")
@click.pass_obj
def doctor(root: Path, as_data: bool) -> None:
    """Say what is installed, which keys are set (never what they are), which run-configs can run, what is recorded
    and cached, and what to do next.

    Exits 1 where something is broken; what is merely not there is no fault. A project adds what it needs itself (a
    program, a sandbox) by pytest's setting `touchstone_doctor = "module:function"`.
    """
    from ..health import as_json, as_text, declared, installed, keys, steps, stores
    from ..recordings import Recordings

    with in_words():
        where = places(root)
    catalogue, wrong = _catalogue(where)
    collected, unread = _collected(root, where, catalogue)
    recordings = Recordings(where.recordings)
    findings = [*installed(), *keys(catalogue), *wrong, *unread, *_run_configs(where, catalogue, collected, recordings)]
    findings += [*stores(where, recordings), *declared(setting(root, "touchstone_doctor"), where.root)]
    then = steps(findings, where, catalogue, sorted(collected.evals) if collected else [])
    click.echo(as_json(findings, then) if as_data else as_text(findings, then))
    raise SystemExit(any(one.state == "broken" for one in findings))


def _catalogue(where: Places) -> tuple[Catalogue | None, list[Finding]]:
    from ..config import load_catalogue
    from ..health import Finding

    shown = where.shown(where.run_configs)
    if not where.run_configs.is_file():
        return None, [Finding("run-configs", shown, "absent", "there is no such file", "touchstone init .")]
    try:
        return load_catalogue(where), []
    except UsageError as error:
        says = "\n".join(filter(None, (error.message, error.hint)))
        return None, [Finding("run-configs", error.where or shown, "broken", says, f"mend {error.where or shown}")]


def _collected(root: Path, where: Places, catalogue: Catalogue | None) -> tuple[Collected | None, list[Finding]]:
    """The evals; what keeps them from being collected."""
    from ..health import Finding
    from .collecting import collect

    if catalogue is None:
        return None, []
    try:
        found = collect(root)
    except UsageError as error:
        if error.message.startswith("there is no eval"):
            return None, [Finding("evals", "evals", "absent", str(error), "touchstone add eval NAME")]
        return None, [
            Finding(
                "evals",
                "evals",
                "broken",
                str(error),
                f"pytest {where.shown(where.run_configs.parent)}/ --collect-only",
            )
        ]
    names = ", ".join(sorted(found.evals))
    return found, [Finding("evals", f"{len(found.evals)} evals", "ok", names)]


def _run_configs(
    where: Places, catalogue: Catalogue | None, collected: Collected | None, recordings: Recordings
) -> list[Finding]:
    from ..health import counted, judges, run_configs

    if catalogue is None:
        return []
    counts = None
    if collected is not None:
        suite = collected.suite
        try:
            counts = counted(suite, (job for one in collected.evals.values() for job in suite.jobs(one)), recordings)
        except UsageError:  # the recordings cannot be read: that is told with them
            counts = None
    return [*judges(catalogue, where), *run_configs(catalogue, counts, where)]
