"""The charts, as SVG that follows the page's colours; each series has a shape and a dash of its own, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from transfermodel_trainer.evaluation.reliability import Bin
from transfermodel_trainer.publishing.report.svg import Axis, element, linear_axis

WIDTH, HEIGHT = 420.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 26.0, 34.0, 44.0
MOST_MARKERS = 40
"""With more points than this a line is drawn without a marker on each."""
COUNTS_HEIGHT = 96.0


@dataclass(frozen=True)
class Table:
    """The same figures as text, for those who do not see the chart."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart with everything around it."""

    svg: Markup
    caption: str
    table: Table
    note: str = ""
    """What the table leaves out."""


@dataclass(frozen=True)
class Series:
    """One line."""

    label: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...] = ()
    """(low, high) of each point; drawn as a whisker."""
    joined: bool = True
    """Whether it is a line at all, or only points."""


@dataclass(frozen=True)
class Plane:
    """The area between the axes, in the drawing's units."""

    x: Axis
    y: Axis
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * self.x.share(x),
            self.bottom - (self.bottom - self.top) * self.y.share(y),
        )

    def grid(self, *, with_x: bool = True) -> Markup:
        """Return both axes with their ticks and labels."""
        parts = []
        for value, text in self.y.ticks:
            _, y = self.at(self.x.low, value)
            parts.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
            parts.append(element("text", text, class_="tick", x=LEFT - 7, y=y + 4, text_anchor="end"))
        parts.append(element("line", class_="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=self.bottom, y2=self.bottom))
        if with_x:
            for value, text in self.x.ticks:
                x, _ = self.at(value, self.y.low)
                parts.append(element("line", class_="axis", x1=x, x2=x, y1=self.bottom, y2=self.bottom + 4))
                parts.append(element("text", text, class_="tick", x=x, y=self.bottom + 18, text_anchor="middle"))
            middle = (LEFT + WIDTH - RIGHT) / 2
            parts.append(element("text", self.x.label, x=middle, y=self.bottom + 37, text_anchor="middle"))
        return Markup("").join(parts)


def drawing(identifier: str, title: str, description: str, height: float, *parts: Markup) -> Markup:
    """Return the SVG as an image with a name and a description."""
    return element(
        "svg",
        element("title", title, id=f"{identifier}-title"),
        element("desc", description, id=f"{identifier}-description"),
        *parts,
        class_="chart",
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby=f"{identifier}-title {identifier}-description",
    )


def line_chart(identifier: str, title: str, description: str, x: Axis, y: Axis, series: Sequence[Series]) -> Markup:
    """Return lines over common axes, each named in the legend above them."""
    plane = Plane(x, y)
    parts = [plane.grid()]
    start = LEFT
    for index, line in enumerate(series):
        parts.append(_line(plane, line, index))
        parts.append(_legend(line.label, index, start, joined=line.joined))
        start += 46 + 7.4 * len(line.label)
    return drawing(identifier, title, description, HEIGHT, *parts)


def _line(plane: Plane, line: Series, style: int) -> Markup:
    places = [plane.at(x, y) for x, y in line.points]
    parts = []
    for (x, _), (low, high) in zip(line.points, line.band, strict=False):
        (across, bottom), (_, top) = plane.at(x, low), plane.at(x, high)
        parts.append(element("line", class_="whisker", x1=across, x2=across, y1=bottom, y2=top))
        for end in (bottom, top):
            parts.append(element("line", class_="whisker", x1=across - 4, x2=across + 4, y1=end, y2=end))
    if line.joined:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(element("polyline", class_="line", points=path))
    marked = places if len(places) <= MOST_MARKERS or not line.joined else places[-1:]
    parts += [marker(x, y, style) for x, y in marked]
    return element("g", *parts, class_=f"series-{style}")


def _legend(label: str, style: int, x: float, *, joined: bool) -> Markup:
    y = 14.0
    return element(
        "g",
        *([element("line", class_="line", x1=x, x2=x + 24, y1=y, y2=y)] if joined else []),
        marker(x + 12, y, style),
        element("text", label, class_="legend", x=x + 30, y=y + 4),
        class_=f"series-{style}",
    )


def marker(x: float, y: float, style: int) -> Markup:
    """Return a circle, a square or a diamond."""
    if style == 0:
        return element("circle", class_="marker", cx=x, cy=y, r=3.6)
    if style == 1:
        return element("rect", class_="marker", x=x - 3.3, y=y - 3.3, width=6.6, height=6.6)
    points = f"{x:.1f},{y - 4.6:.1f} {x + 4.6:.1f},{y:.1f} {x:.1f},{y + 4.6:.1f} {x - 4.6:.1f},{y:.1f}"
    return element("polygon", class_="marker", points=points)


def reliability_diagram(identifier: str, title: str, description: str, bins: Sequence[Bin]) -> Markup:
    """Return accuracy by confidence as bars beside the diagonal of perfect reliability, and counts below."""
    x = linear_axis(0, 1, "how sure the model was", percent=True, count=5)
    upper = Plane(x, linear_axis(0, 1, "", percent=True, count=5))
    most = max((entry.count for entry in bins), default=0)
    floor = HEIGHT + COUNTS_HEIGHT
    lower = Plane(x, Axis(0, most or 1, (), ""), top=HEIGHT + 24, bottom=floor)
    bars, counts = [], []
    for entry in bins:
        if not entry.count:
            continue
        left, bottom = upper.at(entry.low, 0)
        right, top = upper.at(entry.high, entry.accuracy)
        width = right - left - 2
        bars.append(element("rect", class_="bar", x=left + 1, y=top, width=width, height=bottom - top))
        across, confidence = upper.at(entry.confidence, entry.confidence)
        bars.append(element("line", class_="gap", x1=across, x2=across, y1=top, y2=confidence))
        bars.append(marker(across, top, 2))
        _, highest = lower.at(0, entry.count)
        counts.append(element("rect", class_="count", x=left + 1, y=highest, width=width, height=floor - highest))
        counts.append(
            element(
                "text", brief(entry.count), class_="small", x=(left + right) / 2, y=highest - 4, text_anchor="middle"
            )
        )
    (x1, y1), (x2, y2) = upper.at(0, 0), upper.at(1, 1)
    diagonal = element("line", class_="diagonal", x1=x1, y1=y1, x2=x2, y2=y2)
    heading = element("text", "how often it was right, by how sure it was", class_="legend", x=LEFT, y=18.0)
    subheading = element("text", "count", class_="legend", x=LEFT - 7, y=floor - 2, text_anchor="end")
    return drawing(
        identifier,
        title,
        description,
        floor + 8,
        heading,
        upper.grid(),
        element("g", *bars, class_="series-0"),
        diagonal,
        subheading,
        lower.grid(with_x=False),
        *counts,
    )


def brief(count: int) -> str:
    """Return a count in at most four characters: 983, 1.2k, 34k."""
    if count < 1000:
        return str(count)
    if count < 9950:
        return f"{count / 1000:.1f}k"
    return f"{round(count / 1000)}k" if count < 999_500 else f"{round(count / 1_000_000)}M"


def bar(*shares: float, low: float | None = None, high: float | None = None) -> Markup:
    """Return shares of 0..1 one after the other on a track, and a whisker from low to high.

    Hidden from screen readers: the numbers stand beside it.
    """
    parts = [element("rect", class_="track", width=100, height=10, rx=2)]
    start = 0.0
    for index, share in enumerate(shares):
        if share > 0:
            parts.append(element("rect", class_=f"fill-{index}", x=start * 100, width=share * 100, height=10))
        start += share
    if low is not None and high is not None:
        line = f"M{low * 100:.1f} 1V9M{low * 100:.1f} 5H{high * 100:.1f}M{high * 100:.1f} 1V9"
        # The lighter, wider line under it sets it off from the bar.
        parts += [element("path", class_="halo", d=line), element("path", class_="whisker", d=line)]
    return element("svg", *parts, class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")
