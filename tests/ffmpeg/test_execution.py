"""What of an answer is run, in which order, and what the folder looks like afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.ffmpeg.answers import read_answer
from fixtures.ffmpeg.execution import Execution, executing
from fixtures.ffmpeg.plan import chosen
from fixtures.ffmpeg.recipes import Recipe
from fixtures.ffmpeg.sandbox import Limits

TINY = Recipe.model_validate({"seconds": 0.4})
MEDIA = {"in.mp4": TINY}


def fenced(*lines: str) -> str:
    return "Here.\n\n```bash\n" + "\n".join(lines) + "\n```\n"


def run(text: str, *names: str, limits: Limits | None = None) -> Execution:
    media = dict.fromkeys(names or ("in.mp4",), TINY)
    with executing(read_answer(text), media, limits or Limits(seconds=20)) as done:
        return done


def test_a_command_makes_its_file() -> None:
    done = run(fenced("ffmpeg -i in.mp4 -c copy out.mkv"))
    assert (done.ok, done.why, done.refused) == (True, "", "")
    assert (done.created, done.changed, done.deleted) == (("out.mkv",), (), ())


def test_the_folder_lives_as_long_as_the_block() -> None:
    with executing(read_answer(fenced("ffmpeg -i in.mp4 -c copy out.mkv")), MEDIA) as done:
        assert (done.folder / "out.mkv").stat().st_size > 500
    assert not done.folder.exists()


def test_media_are_copies(tmp_path: Path) -> None:
    before = run(fenced("ffmpeg -version")).before
    done = run(fenced("ffmpeg -y -f lavfi -i sine=d=0.1 file:in.mp4"))
    assert done.changed == ("in.mp4",)
    assert run(fenced("ffmpeg -version")).before == before


@pytest.mark.parametrize("spelling", ["./in.mp4", "file:in.mp4", "file:./in.mp4", "sub/../in.mp4"])
def test_an_input_overwritten_by_another_name_is_changed(spelling: str) -> None:
    done = run(fenced(f"ffmpeg -y -i in.mp4 -c copy {spelling}"), "in.mp4", "sub/x.mp4")
    assert done.changed == ("in.mp4",)


def test_names_with_folders_and_blanks() -> None:
    done = run(fenced("ffmpeg -i 'my clips/in 1.mp4' -c copy \"my clips/out 1.mkv\""), "my clips/in 1.mp4")
    assert done.created == ("my clips/out 1.mkv",)


def test_sequences_of_pictures() -> None:
    recipe = Recipe.model_validate({"images": 3})
    with executing(read_answer(fenced("ffmpeg -i img_%03d.png out.mp4")), {"img_%03d.png": recipe}) as done:
        assert done.ok, done.why
        assert sorted(done.before) == ["img_001.png", "img_002.png", "img_003.png"]


def test_an_existing_output_is_asked_about() -> None:
    done = run(fenced("ffmpeg -i in.mp4 -c copy old.mkv"), "in.mp4", "old.mkv")
    assert not done.ok
    assert "asks first" in done.why
    assert done.changed == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("ffmpeg -i in.mp4 -c copy a.mkv && ffmpeg -i a.mkv -c copy b.mkv",),
        ("ffmpeg -i in.mp4 -c copy a.mkv", "ffmpeg -i a.mkv -c copy b.mkv"),
        ("ffmpeg -i in.mp4 -c copy a.mkv; ffmpeg -i a.mkv -c copy b.mkv",),
    ],
)
def test_commands_in_sequence(lines: tuple[str, ...]) -> None:
    done = run(fenced(*lines))
    assert (done.ok, done.created) == (True, ("a.mkv", "b.mkv"))


def test_shell_logic() -> None:
    done = run(fenced("ffmpeg -i none.mp4 a.mkv && ffmpeg -i in.mp4 -c copy b.mkv"))
    assert (done.created, len(done.finished)) == ((), 1)
    done = run(fenced("ffmpeg -i none.mp4 a.mkv || ffmpeg -i in.mp4 -c copy b.mkv"))
    assert (done.created, done.ok) == (("b.mkv",), False)


@pytest.mark.parametrize(
    "line",
    [
        "ffmpeg -i in.mp4 -c copy a.mkv && rm in.mp4",
        "ffmpeg -i in.mp4 -c copy -f matroska - | cat > a.mkv",
        "ffmpeg -i in.mp4 -c copy -f matroska - > a.mkv",
        "ffmpeg -i $(ls *.mp4) -c copy a.mkv",
        'for f in *.mp4; do ffmpeg -i "$f" "${f%.mp4}.mkv"; done',
        "ffmpeg -i 'in.mp4 a.mkv",
        "ffmpeg -i <input> <output>",
        "mv in.mp4 x.mp4",
        "ffmpeg -i in.mp4 -c copy a.mkv; curl http://host/",
        "echo x > ../outside; ffmpeg -i in.mp4 -c copy a.mkv",
        "mkdir /touchstone-x; ffmpeg -i in.mp4 -c copy a.mkv",
        "ffmpeg -i in.mp4 {a,b}.mkv",
    ],
)
def test_what_needs_a_shell_or_another_program_is_refused(line: str) -> None:
    done = run(fenced(line, "ffmpeg -version"))
    assert done.refused
    assert not done.ok
    assert "in.mp4" in done.after
    assert not Path("/touchstone-x").exists()


@pytest.mark.parametrize(
    "lines",
    [
        ("sudo ffmpeg -i in.mp4 -c copy a.mkv",),
        ("/usr/local/bin/ffmpeg -i in.mp4 -c copy a.mkv",),
        ("ffmpeg.exe -i in.mp4 -c copy a.mkv",),
        ("ffprobe -v error in.mp4", "ffmpeg -i in.mp4 -c copy a.mkv"),
        ("ls -l", "ffmpeg -i in.mp4 -c copy a.mkv", "ffplay a.mkv"),
        ("sudo apt install ffmpeg", "ffmpeg -i in.mp4 -c copy a.mkv"),
        ("ffmpeg -i in.mp4 -c copy a.mkv 2>/dev/null </dev/null",),
        ("ffmpeg -i in.mp4 -c copy a.mkv 2>&1 | tail -n 3",),
        ("IN=in.mp4", 'ffmpeg -i "$IN" -c copy a.mkv'),
        ("ffmpeg -i *.mp4 -c copy a.mkv",),
        ("ffmpeg -i in.mp4 -map 0:v? -map 0:a:0? -c copy a.mkv",),
        ("ffmpeg -i in.mp4 -filter_complex [0:v]null[v] -map [v] a.mkv",),
    ],
)
def test_what_a_person_would_get_away_with(lines: tuple[str, ...]) -> None:
    done = run(fenced(*lines))
    assert (done.why, done.created) == ("", ("a.mkv",))


@pytest.mark.parametrize(
    "text",
    [
        fenced("printf \"file '%s'\\n\" a.mp4 b.mp4 > list.txt", "ffmpeg -f concat -i list.txt -c copy out.mp4"),
        fenced("echo \"file 'a.mp4'\" > l.txt", "echo \"file 'b.mp4'\" >> l.txt", "ffmpeg -f concat -i l.txt -c copy out.mp4"),  # noqa: E501
        fenced("cat > l.txt <<EOF", "file 'a.mp4'", "file 'b.mp4'", "EOF", "ffmpeg -f concat -i l.txt -c copy out.mp4"),
        fenced("echo -e \"file 'a.mp4'\\nfile 'b.mp4'\" > l.txt && ffmpeg -f concat -safe 0 -i l.txt -c copy out.mp4"),
        fenced("printf \"file '%s'\\n\" *.mp4 > l.txt", "ffmpeg -f concat -i l.txt -c copy out.mp4"),
        "Make `l.txt`:\n\n```\nfile 'a.mp4'\nfile 'b.mp4'\n```\n\nThen:\n\n```bash\nffmpeg -f concat -i l.txt -c copy out.mp4\n```",  # noqa: E501
    ],
)  # fmt: skip
def test_lists_are_written_without_a_shell(text: str) -> None:
    done = run(text, "a.mp4", "b.mp4")
    assert done.why == ""
    assert "out.mp4" in done.created


def test_folders_are_made() -> None:
    done = run(fenced("mkdir -p frames", "ffmpeg -i in.mp4 -frames:v 2 frames/%03d.png"))
    assert done.created == ("frames/001.png", "frames/002.png")


def test_two_passes() -> None:
    done = run(
        fenced(
            "ffmpeg -y -i in.mp4 -c:v libx264 -b:v 100k -pass 1 -an -f null /dev/null && \\",
            "ffmpeg -i in.mp4 -c:v libx264 -b:v 100k -pass 2 out.mp4",
        )
    )
    assert done.ok, done.why


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        (fenced("ffmpeg -i in.mp4 a.mkv") + "Or, faster:\n" + fenced("ffmpeg -i in.mp4 -c copy b.mkv"), ["a.mkv"]),
        (fenced("ffmpeg -i in.mp4 a.mkv", "# or:", "ffmpeg -i in.mp4 -c copy b.mkv"), ["a.mkv"]),
        (fenced("ffmpeg -i in.mp4 a.mkv") + "Alternatively, then:\n" + fenced("ffmpeg -i in.mp4 b.mkv"), ["a.mkv"]),
        (fenced("ffmpeg -i in.mp4 a.mkv") + "Then cut it:\n" + fenced("ffmpeg -i a.mkv -t 1 b.mkv"), ["a.mkv", "b.mkv"]),  # noqa: E501
        (fenced("ffmpeg -i in.mp4 a.mkv") + "Finally:\n" + fenced("ffmpeg -i in.mp4 -vn b.mka"), ["a.mkv", "b.mka"]),
        (fenced("ffmpeg -i x.wav a.mp3") + "The other:\n" + fenced("ffmpeg -i y.wav b.mp3"), ["a.mp3", "b.mp3"]),
        ("Use `ffmpeg -i in.mp4 a.mkv`, not `ffmpeg -i in.mp4 b.mkv`.\n", ["a.mkv"]),
        ("Use `ffmpeg -i in.mp4 x.mkv`:\n" + fenced("ffmpeg -i in.mp4 a.mkv"), ["a.mkv"]),
        ("ffmpeg -i in.mp4 a.mkv\nffmpeg -i in.mp4 b.mkv\n", ["a.mkv", "b.mkv"]),
        ("Do not run this:\n```\nffmpeg -y -i in.mp4 in.mp4\n```\nRun:\n" + fenced("ffmpeg -i in.mp4 a.mkv"), ["a.mkv"]),  # noqa: E501
    ],
)  # fmt: skip
def test_which_of_several_commands(text: str, outputs: list[str]) -> None:
    assert [c.argv[-1] for c in chosen(read_answer(text))] == outputs


def test_an_answer_without_a_command() -> None:
    done = run("I cannot help with that.")
    assert (done.ok, done.finished) == (False, ())
    assert "no ffmpeg command" in done.why


def test_why_is_what_ffmpeg_said() -> None:
    assert "No such file" in run(fenced("ffmpeg -i none.mp4 a.mkv")).why
    assert "nosuch" in run(fenced("ffmpeg -i in.mp4 -c:v nosuch a.mkv")).why
    assert "time" in run(fenced("ffmpeg -stream_loop -1 -i in.mp4 -f null -"), limits=Limits(seconds=1)).why


def test_too_many_commands_are_not_all_run() -> None:
    done = run(fenced(*["ffmpeg -version"] * 60))
    assert len(done.finished) == 25
    assert done.refused


words = st.sampled_from(
    ["ffmpeg", "-i", "in.mp4", "out.mkv", "-y", "-c", "copy", "&&", "|", ">", "list.txt", "echo", "mkdir", "..", "/", "*",  # noqa: E501
     "$x", "'", '"', "\n", "\0", "\ud800", "rm", "-f", "concat", "<<E", "printf", "%s", "cat", "[", "file:in.mp4", "-t", "0.1"]  # noqa: E501
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=12).map(" ".join))
def test_nothing_in_an_answer_raises(text: str) -> None:
    done = run(fenced(text), limits=Limits(seconds=3))
    assert done.ok or done.why
