from xml.etree import ElementTree as ET

from bench.plot import svg

TEXT = "{http://www.w3.org/2000/svg}text"
CIRCLE = "{http://www.w3.org/2000/svg}circle"


def test_every_point_of_every_curve_is_in_the_picture() -> None:
    root = ET.fromstring(
        svg("<title>", "calls", "us", {"one & two": [(1, 30.0), (10_000, 60.0)], "x": [(10, 0.0)]})
    )

    circles = [(float(one.get("cx", 0)), float(one.get("cy", 0))) for one in root.iter(CIRCLE)]
    words = [one.text for one in root.iter(TEXT)]
    assert {"<title>", "calls", "us", "one & two", "x", "1", "10,000"} <= set(words)
    assert len(circles) == 3
    assert circles[0][0] < circles[2][0] < circles[1][0]
    assert circles[1][1] < circles[0][1] < circles[2][1]
