"""What the model says: a function of the prompt alone, so that every answer can be checked byte for byte."""

import hashlib
import re

TAG = re.compile(r"\[say (\w+) pieces=(\d+) pace_ms=(\d+) first_ms=(\d+)( clock)?\]")


def prompt(name, pieces=40, pace_ms=50, first_ms=0, clock=False):
    """The text of a prompt that makes the model say `pieces` pieces, one every `pace_ms`, after `first_ms`."""
    return f"Please. [say {name} pieces={pieces} pace_ms={pace_ms} first_ms={first_ms}{' clock' if clock else ''}]"


def order(text):
    """The last order in a text: (name, pieces, pace_ms, first_ms, clock), or None."""
    found = TAG.findall(text)
    if not found:
        return None
    name, pieces, pace, first, clock = found[-1]
    return name, int(pieces), int(pace), int(first), bool(clock)


def piece(name, number):
    """One piece: unlike any other, with characters of two and three bytes, and a paragraph now and then."""
    digest = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()[:6]
    return f"{number:04d}é{digest}☃" + ("\n\n" if number % 12 == 11 else " ")


def answer(text):
    """The whole answer to a prompt."""
    name, pieces, *_ = order(text)
    return "".join(piece(name, number) for number in range(pieces))


def seconds(text, start, end):
    """How long the model writes at the bytes `start` to `end` of the answer to a prompt."""
    name, pieces, pace_ms, *_ = order(text)
    place, count = 0, 0
    for number in range(pieces):
        place += len(piece(name, number).encode())
        count += start < place <= end
    return count * pace_ms / 1000


def rest(name, pieces, said):
    """What is left to say of an answer after `said`, piece by piece; of one that was not the model's, a complaint."""
    for number in range(pieces):
        text = piece(name, number)
        if said and not (said.startswith(text) or text.startswith(said)):
            yield "THAT IS NOT WHAT I SAID"
            return
        left, said = text[len(said):], said[len(text):]
        if left:
            yield left
