"""Converts a table of delimited text into JSON, one object a line."""
import argparse
import sys


def main():
    parser = argparse.ArgumentParser(description="Converts a table on standard input into JSON lines on standard output.")
    parser.add_argument("--types", default="", metavar="NAME:TYPE,...")
    arguments = parser.parse_args()
    raise NotImplementedError


if __name__ == "__main__":
    sys.exit(main())
