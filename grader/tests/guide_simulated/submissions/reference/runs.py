"""Run-length encoding, as a module and as a program."""

import itertools
import sys


def encode(text):
    return [(letter, len(list(same))) for letter, same in itertools.groupby(text)]


if __name__ == "__main__":
    with open("suffix.txt", encoding="utf-8") as file:
        suffix = file.read()
    for line in sys.stdin:
        print("".join(f"{number}{letter}" for letter, number in encode(line.strip())) + suffix)
