"""Draws a plot as SVG: some curves over a logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

Points: TypeAlias = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 40, 50
COLOURS: Final = ("#1b6ca8", "#c8553d", "#3f7d20", "#7b4fa3")


def svg(title: str, across: str, up: str, curves: Mapping[str, Points]) -> str:
    """Return a picture of ``curves``, from zero upwards.

    Args:
        across: What the logarithmic axis counts.
        up: What the other one does.
    """
    decades = max(1, math.ceil(math.log10(max(x for points in curves.values() for x, _ in points))))
    highest = _round(1.1 * max(y for points in curves.values() for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + math.log10(x) / decades * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / highest * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, title, size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle"),
        _text(LEFT - 50, TOP - 6, up),
    ]
    for decade in range(decades + 1):
        x, bottom = place(10**decade, 0)
        parts.append(_line(x, bottom, x, TOP))
        parts.append(_text(x, bottom + 18, f"{10**decade:,}", anchor="middle"))
    for step in range(5):
        x, y = place(1, highest * step / 4)
        parts.append(_line(x, y, WIDTH - RIGHT, y))
        parts.append(_text(x - 8, y + 4, f"{highest * step / 4:g}", anchor="end"))
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        where = [place(x, y) for x, y in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in where]
        parts.append(_text(WIDTH - RIGHT + 14, TOP + 14 + 34 * number, name, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


def _round(value: float) -> float:
    """Return a number of one or two digits, not less than ``value``."""
    power: float = 10 ** math.floor(math.log10(value))
    return math.ceil(value / power * 2) / 2 * power


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="#ddd"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif" '
        f'font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )
