# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A plot of processor time a request against the number of users, as SVG."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 230, 40, 50
# Colours that also people who confuse red and green can tell apart (Okabe and Ito).
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"]


def nice_step(top):
    """A step of 1, 2 or 5 times a power of ten, with 4 to 10 of them up to the top."""
    power = 10 ** math.floor(math.log10(top / 4))
    return next(power * factor for factor in (1, 2, 5, 10) if top / (power * factor) <= 8)


def short(number):
    for size, letter in ((10 ** 6, "M"), (10 ** 3, "k")):
        if number >= size:
            return "%g%s" % (number / size, letter)
    return "%g" % number


def text(x, y, words, anchor="middle", fill="#333"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>' % (
        x, y, anchor, fill, escape(words))


def line(points, colour, width):
    return '<polyline fill="none" stroke="%s" stroke-width="%g" points="%s"/>' % (
        colour, width, " ".join("%.1f,%.1f" % point for point in points))


def draw(title, series):
    """The series are pairs of a name and a list of (users, microseconds)."""
    users = sorted({x for _, points in series for x, _ in points})
    top = max((y for _, points in series for _, y in points), default=1) or 1
    step = nice_step(top)
    top = math.ceil(top / step) * step
    low, high = math.log10(users[0]), math.log10(users[-1])
    wide, high_up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x, y):
        share = (math.log10(x) - low) / (high - low) if high > low else 0.5
        return LEFT + share * wide, TOP + high_up * (1 - y / top)

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d"'
             ' font-family="sans-serif" font-size="12">' % (WIDTH, HEIGHT),
             '<rect width="100%" height="100%" fill="#fff"/>',
             text(LEFT, 20, title, "start")]
    for number in range(round(top / step) + 1):
        y = at(users[0], number * step)[1]
        parts.append(line([(LEFT, y), (LEFT + wide, y)], "#ddd", 1))
        parts.append(text(LEFT - 8, y + 4, short(number * step), "end"))
    for x in users:
        parts.append(text(at(x, 0)[0], HEIGHT - BOTTOM + 20, short(x)))
    parts.append(text(LEFT + wide / 2, HEIGHT - 10, "users"))
    parts.append(text(LEFT, TOP - 6, "µs", "end"))
    for index, (name, points) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        parts.append(line([at(*point) for point in points], colour, 2))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (*at(*point), colour)
                  for point in points]
        parts.append(text(LEFT + wide + 16, TOP + 18 * index + 10, name, "start", colour))
    return "\n".join(parts + ["</svg>"]) + "\n"
