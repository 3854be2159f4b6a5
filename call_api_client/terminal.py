"""Text that a person or a program reads: escaped, coloured, written at once.

On a terminal whatever a peer sent is escaped: control characters, ANSI sequences, marks that
turn the direction of text. What goes into a pipe or a file is left as it came.
"""

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

Span: TypeAlias = tuple[str, str]
"""Some text and how it looks (a style of rich's); the text may hold anything."""

Line: TypeAlias = Sequence[Span]
"""One line, without its end."""


def escape(text: str) -> str:
    """Return ``text`` with every character spelled out that does not show itself."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled(char) for char in text)


def escape_json(text: str) -> str:
    r"""Return JSON with every character as ``\uXXXX`` that does not show itself.

    It says the same: all that is invisible in JSON, blanks between its words aside, is in
    strings.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled_in_json(char) for char in text)


def one_line(text: str) -> str:
    """Return JSON that fits on one line, as it came if it does already."""
    if "\n" not in text and "\r" not in text:
        return text
    import msgspec

    return msgspec.json.format(text, indent=-1)


class Screen:
    """Writes lines to stdout or stderr.

    Args:
        stream: None is a stream that is closed: what goes there is lost, as elsewhere.
    """

    def __init__(self, stream: TextIO | None) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of a terminal without Unicode
        self._stream = stream
        self.is_terminal = stream is not None and stream.isatty()
        self._console = _console(stream) if stream is not None and self.is_terminal else None

    def line(self, *spans: Span) -> None:
        """Write one line for people, and have it seen at once.

        Raises:
            BrokenPipeError: Nobody reads any more.
        """
        if self._console is None:
            self._write("".join(escape(text) for text, _ in spans) + "\n")
            return
        from rich.text import Text

        text = Text.assemble(*((escape(text), style) for text, style in spans))
        self._console.print(text, soft_wrap=True)

    def json(self, text: str) -> None:
        """Write one line of JSON: coloured on a terminal, as it came elsewhere.

        Raises:
            BrokenPipeError: Nobody reads any more.
        """
        text = one_line(text)
        if not self.is_terminal:
            self._write_utf8(text + "\n")
        elif self._console is None:
            self._write(escape_json(text) + "\n")
        else:
            from rich.highlighter import JSONHighlighter

            self._console.print(JSONHighlighter()(escape_json(text)), soft_wrap=True)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()

    def _write_utf8(self, text: str) -> None:
        """JSON between programs is UTF-8 whatever the locale (RFC 8259, section 8.1)."""
        if self._stream is not None:
            self._stream.flush()
            self._stream.buffer.write(text.encode("utf-8", "surrogatepass"))
            self._stream.buffer.flush()


def is_dumb() -> bool:
    """Return whether the terminal, if there is one, can do no more than show lines."""
    return os.environ.get("TERM") in ("dumb", "unknown")


def _console(stream: TextIO) -> "Console | None":
    """Return rich's console for a terminal that shows colours to one who wants them."""
    if os.environ.get("NO_COLOR") or is_dumb():
        return None
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(char, rf"\x{code:02x}")
    return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def _spelled_in_json(char: str) -> str:
    if char in " \t":
        return " "
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(rf"\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
