"""Reading answers: where commands stand, what is only a warning, and that no text breaks the reading."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.ffmpeg.answers import LONGEST, read_answer
from fixtures.ffmpeg.shell import parse, unquote

SIMPLE = ("ffmpeg", "-i", "in.mp4", "out.avi")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Here:\n\n```bash\nffmpeg -i in.mp4 out.avi\n```\n", "fence"),
        ("```\nffmpeg -i in.mp4 out.avi\n```", "fence"),
        ("~~~sh\nffmpeg -i in.mp4 out.avi\n~~~", "fence"),
        ("````\nffmpeg -i in.mp4 out.avi\n````", "fence"),
        ("Here:\r\n\r\n```bash\r\nffmpeg -i in.mp4 \\\r\n  out.avi\r\n```\r\n", "fence"),
        ("1. Run\n   ```bash\n   ffmpeg -i in.mp4 out.avi\n   ```", "fence"),
        ("> ```\n> ffmpeg -i in.mp4 out.avi\n> ```", "fence"),
        ("```console\n$ ffmpeg -i in.mp4 out.avi\nframe=  75 fps=0.0\n```", "fence"),
        ("```cmd\nffmpeg -i in.mp4 ^\n  out.avi\n```", "fence"),
        ("```powershell\nPS C:\\Videos> ffmpeg -i in.mp4 `\n  out.avi\n```", "fence"),
        ("```bash\n% ffmpeg -i in.mp4 out.avi\n```", "fence"),
        ("```bash\nffmpeg -i in.mp4 out.avi", "fence"),
        ("Use this: ```bash\nffmpeg -i in.mp4 out.avi```", "fence"),
        ("```ffmpeg -i in.mp4 out.avi\n```", "fence"),
        ("```python\nffmpeg -i in.mp4 out.avi\n```", "fence"),
        ("```bash\n# convert\nffmpeg -i in.mp4 out.avi  # done\n```", "fence"),
        ("Run `ffmpeg -i in.mp4 out.avi` and wait.", "inline"),
        ("Run ``ffmpeg -i in.mp4 out.avi`` and wait.", "inline"),
        ('Run "ffmpeg -i in.mp4 out.avi" and wait.', "inline"),
        ("```ffmpeg -i in.mp4 out.avi```", "inline"),
        ("ffmpeg -i in.mp4 out.avi", "line"),
        ("Sure!\n\nffmpeg -i in.mp4 \\\n  out.avi\n\nIt converts.", "line"),
        ("You can use this command: ffmpeg -i in.mp4 out.avi", "line"),
        ("**ffmpeg -i in.mp4 out.avi**", "line"),
        ("1. ffmpeg -i in.mp4 out.avi", "line"),
        ("    $ ffmpeg -i in.mp4 out.avi", "line"),
        ("<think>rm -rf / or ffmpeg -i x y.mp4?</think>\nffmpeg -i in.mp4 out.avi", "line"),
        ("hm, rm in.mp4\n</think>\n\n```\nffmpeg -i in.mp4 out.avi\n```", "fence"),
    ],
)
def test_one_command_is_found(text: str, source: str) -> None:
    answer = read_answer(text)
    assert [(c.argv, c.source, c.problem) for c in answer.commands] == [(SIMPLE, source, "")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ffmpeg is a tool for video.",
        "ffmpeg -i is the option for the input file",
        "Use the `ffmpeg` program and its `-c copy` option on `in.mp4`.",
        "`ffmpeg -i`",
        "<think>I could say ffmpeg -i in.mp4 out.avi",
        "```json\n{}\n```",
        "I can only help with ffmpeg.",
        "Please rm the file yourself when you have checked it.",
    ],
)
def test_no_command_is_found(text: str) -> None:
    assert read_answer(text).commands == ()


@pytest.mark.parametrize(
    "text",
    [
        "Do not run this:\n\n```bash\nrm in.mp4\n```",
        "Never use this command, it deletes your file:\n```\nrm in.mp4\n```",
        "```\nrm in.mp4\n```\nDon't run this: the file would be gone.",
        "I won't run `rm in.mp4`.",
        "Instead of `rm in.mp4`, keep the file.",
        "Running this would delete your file:\n```\nrm in.mp4\n```",
        "A dangerous command:\n\n```\nrm in.mp4\n```",
        "```bash\n# do not use this:\nrm in.mp4\n```",
        "```bash\n# WRONG\nrm in.mp4\n```",
    ],
)
def test_a_warning_is_no_proposal(text: str) -> None:
    answer = read_answer(text)
    assert answer.commands == ()
    assert [c.argv for c in answer.warned] == [("rm", "in.mp4")]


@pytest.mark.parametrize(
    "lead",
    [
        "Don't forget to check the result:",
        "To avoid re-encoding, copy the streams:",
        "You can't use `-c copy` with a filter, so run this:",
        "I can't overwrite the file, but this makes a new one:",
        "Writing onto in.mp4 would destroy it, so the name is new.",
        "Do not worry, this is easy:",
        "This non-destructive command does it:",
        "You should not need anything else:",
    ],
)
def test_a_lead_that_is_no_warning(lead: str) -> None:
    assert [c.argv for c in read_answer(f"{lead}\n\n```bash\nffmpeg -i in.mp4 out.avi\n```").commands] == [SIMPLE]


def test_explanation_and_blocks() -> None:
    answer = read_answer("First.\n\n```bash\nffmpeg -i a b.mp4\n```\nThen.\n~~~\nls\n~~~")
    assert [(b.language, b.content, b.before.strip(), b.after.strip()) for b in answer.blocks] == [
        ("bash", "ffmpeg -i a b.mp4", "First.", "Then."),
        ("", "ls", "Then.", ""),
    ]
    assert answer.explanation.split() == ["First.", "Then."]


@pytest.mark.parametrize(
    ("text", "argvs"),
    [
        ("ffmpeg -i a.mp4 b.mp4 && rm a.mp4", [("", "ffmpeg"), ("&&", "rm")]),
        ("ffmpeg -i a.mp4 b.mp4; rm a.mp4 || true", [("", "ffmpeg"), (";", "rm"), ("||", "true")]),
        ("yes | ffmpeg -i a.mp4 b.mp4", [("", "yes"), ("|", "ffmpeg")]),
        ("for f in *; do ffmpeg -i $f b; rm $f; done", [(";", "ffmpeg"), (";", "rm")]),
        ("ffmpeg -i $(rm a) b", [("", "ffmpeg"), (";", "rm")]),
        ("sudo -E /usr/bin/ffmpeg -i a b", [("", "ffmpeg")]),
        ("time nice -n ffmpeg.exe -i a b", [("", "ffmpeg")]),
    ],
)
def test_joints(text: str, argvs: list[tuple[str, str]]) -> None:
    found = [(c.operator, c.program) for c in parse(text)]
    assert [program for _, program in found] == [program for _, program in argvs]
    assert [operator or ";" for operator, _ in found] == [operator or ";" for operator, _ in argvs]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\\ b", "a b"),
        ("'a b'\"c d\"", "a bc d"),
        ('"a\\"b\\\\n\\x"', 'a"b\\n\\x'),
        ("$'a\\nb'", "a\nb"),
        ("eq(n\\,0)", "eq(n,0)"),
        ("'it'\\''s'", "it's"),
        ("a\\\nb", "ab"),
        ("50%", "50%"),
    ],
)
def test_quoting(raw: str, text: str) -> None:
    assert unquote(raw).text == text
    assert unquote(raw).live == ()


def test_what_a_shell_would_expand_is_noted() -> None:
    assert unquote('"$f"').live == ("$f",)
    assert unquote("'$f'").live == ()
    assert unquote("{1..3}.png").live == ("{1..3}",)
    assert unquote("'*'.mp?").pattern == "[*].mp?"
    assert [c.argv for c in parse('IN="a b.mp4"\nffmpeg -i "$IN" b.mp4')] == [("ffmpeg", "-i", "a b.mp4", "b.mp4")]


@pytest.mark.parametrize("text", ["ffmpeg -i 'in.mp4 out.avi", "ffmpeg -i <input> <output>", "ffmpeg -vf eq(1) a.mp4"])
def test_what_a_shell_refuses_is_a_problem(text: str) -> None:
    found = read_answer(f"```\n{text}\n```").commands
    assert [c.program for c in found] == ["ffmpeg"]
    assert found[0].problem


def test_one_bad_line_spoils_only_itself() -> None:
    found = read_answer("```\nffmpeg -i 'in.mp4 out.avi\nffmpeg -i in.mp4 out.avi\n```").commands
    assert [bool(c.problem) for c in found] == [True, False]


HOSTILE = [
    "`" * 60_000,
    "```\n" * 20_000,
    "~~~ \n" * 10_000,
    "<think>" * 9_000,
    "ffmpeg -i " * 10_000,
    "```\n" + "(" * 60_000,
    "```\n" + "a|" * 30_000,
    "```\n" + "$(" * 30_000,
    "```\n" + '"$(' * 30_000,
    "```\n" + "[]" * 30_000,
    "```\n" + "<<E " * 9_000,
    "```\n" + "ffmpeg -i a b\n" * 9_000,
    "`ffmpeg -i a b` " * 9_000,
    "don't use " * 9_000,
    "\\\n" * 30_000,
    "x" * 1_000_000,
    "\ud800\0" * 50_000,
    "/a" * 30_000,
    "- " * 30_000 + "ffmpeg",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_read_in_time(text: str) -> None:
    started = time.monotonic()
    answer = read_answer(text)
    assert time.monotonic() - started < 3  # a tenth of that on an idle machine
    assert len(answer.text) <= LONGEST


def test_null_bytes_and_surrogates_are_replaced() -> None:
    answer = read_answer("```\nffmpeg -i a\0.mp4 \ud800.mp4\n```")
    assert answer.commands[0].argv == ("ffmpeg", "-i", "a\ufffd.mp4", "\ufffd.mp4")


def test_a_text_too_long_says_so() -> None:
    assert read_answer("a " * LONGEST).cut
    assert not read_answer("a").cut


pieces = st.sampled_from(
    ["```", "```bash\n", "~~~\n", "\n", " ", "`", "ffmpeg -i a b.mp4", "rm x", "&&", "|", "'", '"', "$(", ")", "\\", "<<E\n",  # noqa: E501
     "<think>", "</think>", "> ", "do not run this:\n", "\0", "\ud800", "{a,b}", "$'", "for f in x; do ", "# or\n", "*"]
)  # fmt: skip


@settings(max_examples=300, deadline=2000)
@given(st.one_of(st.text(max_size=300), st.lists(pieces, max_size=40).map("".join)))
def test_every_text_has_a_reading(text: str) -> None:
    answer = read_answer(text)
    for command in (*answer.commands, *answer.warned):
        assert all("\0" not in word for word in command.argv)
        command.argv, command.expansions, command.arguments, command.program  # noqa: B018
