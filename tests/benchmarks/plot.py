"""A line chart as SVG, with both axes logarithmic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 820, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 214, 44, 48
_COLOURS = (
    "#0b6e4f",
    "#48a889",
    "#c1121f",
    "#e07a00",
    "#7b2cbf",
    "#2a6fdb",
    "#8d6e63",
    "#546e7a",
    "#00838f",
    "#ad1457",
)
_APART = 15  # between two labels


def line_chart(
    title: str, x_title: str, y_title: str, lines: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """The chart of points by label; a label stands at the end of its line."""
    points = [point for line in lines.values() for point in line]
    x_range = _decades([x for x, _ in points])
    y_range = _decades([y for _, y in points])
    x_end = log10(max(x for x, _ in points))

    def x_of(x: float) -> float:
        share = (log10(x) - x_range[0]) / ((x_end - x_range[0]) or 1)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        share = (log10(y) - y_range[0]) / ((y_range[1] - y_range[0]) or 1)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    middle = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    style = 'font-family="system-ui, sans-serif" font-size="12" fill="#222"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {style}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{middle[0]}" y="{_HEIGHT - 10}" text-anchor="middle">' + escape(x_title) + "</text>",
        f'<text transform="translate(16 {middle[1]}) rotate(-90)" text-anchor="middle">'
        + escape(y_title)
        + "</text>",
    ]
    parts += _grid(sorted({x for x, _ in points}), y_range, x_of, y_of)
    placed = _label_places({label: y_of(line[-1][1]) for label, line in lines.items() if line})
    for number, (label, line) in enumerate(lines.items()):
        if not line:
            continue
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line)
        width = 3 if number < 2 else 1.6
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += (f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="2.6" fill="{colour}"/>' for x, y in line)
        weight = "600" if number < 2 else "400"
        parts.append(
            f'<text x="{_WIDTH - _RIGHT + 10}" y="{placed[label] + 4:.1f}" fill="{colour}" '
            f'font-weight="{weight}">{escape(label)} {line[-1][1]:.3g}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around the values, as exponents."""
    lowest, highest = floor(log10(min(values))), ceil(log10(max(values)))
    return lowest, max(highest, lowest + 1)


def _grid(xs: Sequence[float], y_range: tuple[int, int], x_of: object, y_of: object) -> list[str]:
    assert callable(x_of)
    assert callable(y_of)
    parts = []
    for exponent in range(y_range[0], y_range[1] + 1):
        for factor in (1, 2, 5) if exponent < y_range[1] else (1,):
            y = y_of(factor * 10**exponent)
            shade = "#ccc" if factor == 1 else "#eee"
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{shade}"/>')
            label = f"{factor * 10**exponent:g}"
            parts.append(
                f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end" fill="#666">{label}</text>'
            )
    for x in xs:
        parts.append(f'<path d="M{x_of(x):.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#eee"/>')
        place = f'x="{x_of(x):.1f}" y="{_HEIGHT - _BOTTOM + 17}"'
        parts.append(f'<text {place} text-anchor="middle" fill="#666">{x:,.0f}</text>')
    return parts


def _label_places(wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights near the wanted ones, no two too near to read."""
    placed: dict[str, float] = {}
    last = float("-inf")
    for label, height in sorted(wanted.items(), key=lambda item: item[1]):
        last = placed[label] = max(height, last + _APART)
    beyond = last - (_HEIGHT - _BOTTOM)
    if beyond > 0:
        placed = {label: height - beyond for label, height in placed.items()}
    return placed
