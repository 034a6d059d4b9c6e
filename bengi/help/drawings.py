"""What order types look like: a price over time, the order's level, and where it fills.

Pure. Places are points of a drawing 320 wide and 132 high; templates/help/_drawing.html draws it.
"""

from dataclasses import dataclass, field

from bengi.terms import OrderType

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line of the order's own, from a place on, with its name above its right end.

    at_start: above the left end instead; below: under the line.
    """

    points: tuple[Point, ...]
    name: str = ""
    at_start: bool = False
    below: bool = False

    @property
    def path(self) -> str:
        return path(self.points)

    @property
    def name_at(self) -> Point:
        x, y = self.points[0 if self.at_start else -1]
        return x, y + (13 if self.below else -5)


@dataclass(frozen=True, slots=True)
class Mark:
    """kind: fill, a disc; fires, a ring; ends, a cross; word, nothing; with words beside it."""

    kind: str
    at: Point
    words: str = ""
    anchor: str = "start"
    below: bool = False

    @property
    def words_at(self) -> Point:
        x, y = self.at
        aside = {"start": 9, "middle": 0, "end": -9}[self.anchor]
        return x + aside, y + (18 if self.below else -9)


@dataclass(frozen=True, slots=True)
class Drawing:
    """label says in words what the drawing shows."""

    label: str
    price: tuple[Point, ...]
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    second: tuple[Point, ...] = field(default=())

    @property
    def price_path(self) -> str:
        return path(self.price)

    @property
    def second_path(self) -> str:
        return path(self.second)


def path(points: tuple[Point, ...]) -> str:
    """Return the points as the d of an SVG path."""
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""


_TRAIL = ((8, 118), (56, 110), (88, 110), (140, 80), (172, 80), (204, 68), (312, 68))

DRAWINGS = {
    OrderType.MARKET: Drawing(
        "The ask above, the bid below. A market order to buy comes in and is filled at the ask.",
        price=((8, 62), (50, 54), (96, 60), (140, 48), (190, 56), (240, 44), (312, 50)),
        second=((8, 88), (50, 80), (96, 86), (140, 74), (190, 82), (240, 70), (312, 76)),
        levels=(Level(((140, 16), (140, 122))),),
        marks=(
            Mark("fill", (140, 48), "bought at the ask"),
            Mark("word", (140, 116), "sent"),
            Mark("word", (321, 50), "ask", "end"),
            Mark("word", (321, 76), "bid", "end", below=True),
        ),
    ),
    OrderType.LIMIT: Drawing(
        "The price falls to the limit of a buy, below the market, and fills it there.",
        price=((8, 34), (50, 44), (92, 38), (134, 64), (176, 88), (218, 70), (260, 52), (312, 60)),
        levels=(Level(((30, 88), (312, 88)), "limit"),),
        marks=(Mark("fill", (176, 88), "bought at the limit", "middle", below=True),),
    ),
    OrderType.STOP: Drawing(
        "The price falls through the stop of a sell, fires it, and sells at the next quote, lower.",
        price=((8, 36), (50, 28), (92, 44), (134, 40), (170, 72), (212, 92), (260, 86), (312, 104)),
        levels=(Level(((30, 72), (312, 72)), "stop"),),
        marks=(
            Mark("fires", (170, 72), "fires"),
            Mark("fill", (212, 92), "sold at the next quote", "middle", below=True),
        ),
    ),
    OrderType.STOP_LIMIT: Drawing(
        "The price falls through the stop and jumps below the limit, where nothing is sold. It "
        "comes back to the limit and fills the order there.",
        price=((8, 30), (52, 38), (96, 34), (132, 58), (150, 108), (196, 99), (248, 80), (312, 60)),
        levels=(
            Level(((30, 58), (312, 58)), "stop"),
            Level(((136, 80), (312, 80)), "limit", below=True),
        ),
        marks=(
            Mark("fires", (132, 58), "fires"),
            Mark("fill", (248, 80), "sold", below=True),
        ),
    ),
    OrderType.TRAILING_STOP: Drawing(
        "The stop of a sell follows the price up, stays where it is when the price falls, and "
        "fires when the price comes down to it.",
        price=((8, 92), (56, 70), (88, 78), (140, 40), (172, 50), (204, 28), (262, 68), (312, 92)),
        levels=(
            Level(_TRAIL, "stop"),
        ),
        marks=(
            Mark("fires", (262, 68), "fires", "end", below=True),
            Mark("fill", (290, 82), "sold", "end", below=True),
        ),
    ),
}  # fmt: skip

BRACKET = Drawing(
    "A bracket: the entry is bought, the take profit stands above it, the stop loss below. The "
    "price rises to the take profit, which sells and cancels the stop loss.",
    price=((8, 58), (48, 70), (90, 62), (136, 84), (182, 56), (226, 46), (262, 26), (312, 38)),
    levels=(
        Level(((48, 26), (312, 26)), "take profit", at_start=True),
        Level(((48, 106), (262, 106)), "stop loss", at_start=True),
    ),
    marks=(
        Mark("fill", (48, 70), "bought", "middle", below=True),
        Mark("fill", (262, 26), "sold", "middle", below=True),
        Mark("ends", (262, 106), "canceled", "end"),
    ),
)
