"""matplotlib's SVG as a part of an HTML page that allows no styles but its own. Owns that rewriting; draws nothing.

Styles become attributes, ink becomes the page's colour of text, and what nothing refers to loses its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from .plot import INK

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = ("metadata", "style")


def inline(svg: str, name: str, label: str) -> str:
    """The SVG with ids that begin with `name`, as a picture called `label`."""
    # The text is matplotlib's own, made in this process.
    root = ElementTree.fromstring(svg)  # noqa: S314
    used = set(_references(root))
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = dict(_attributes(element, used, name))
        for child in [one for one in element if _local(one.tag) in _DROPPED]:
            element.remove(child)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    root.attrib["stroke-linejoin"] = "round"
    return ElementTree.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _references(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        for key, value in element.attrib.items():
            if _local(key) == "href":
                yield value.removeprefix("#")
            yield from _REFERENCE.findall(value)


def _attributes(element: ElementTree.Element, used: set[str], name: str) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        match _local(key):
            case "style":
                yield from _declared(value)
            case "href":
                yield "href", f"#{name}-{value.removeprefix('#')}"
            case "id":
                yield from [("id", f"{name}-{value}")] if value in used else []
            case other:
                yield other, _REFERENCE.sub(lambda found: f"url(#{name}-{found[1]})", value)


def _declared(style: str) -> Iterator[tuple[str, str]]:
    """`fill: none; stroke: #000000` as attributes; the page says what the letters are."""
    for part in style.split(";"):
        key, _, value = (word.strip() for word in part.partition(":"))
        if key and key != "font-family":
            yield key, "currentColor" if value == INK else value
