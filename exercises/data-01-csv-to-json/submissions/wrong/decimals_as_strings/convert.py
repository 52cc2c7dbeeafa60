"""Converts a table of delimited text into JSON, one object a line."""
import argparse
import csv
import datetime
import itertools
import json
import re
import sys

DELIMITERS = ",;\t|"
ROWS_INSPECTED = 10
INT = re.compile("-?(0|[1-9][0-9]*)")
DECIMAL = re.compile(INT.pattern + r"(\.[0-9]+)?([eE][+-]?[0-9]+)?")
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NoTable(Exception):
    """Nothing of the input can be converted."""


def number(pattern, field):
    """A number that JSON writes as the table does is never converted, so it cannot lose a digit."""
    if not pattern.fullmatch(field):
        raise ValueError
    return field


def day(field):
    if not DAY.fullmatch(field):
        raise ValueError
    return json.dumps(datetime.date.fromisoformat(field).isoformat())


def truth(field):
    try:
        return {"true": "true", "false": "false"}[field.lower()]
    except KeyError:
        raise ValueError from None


# What a field of each type is in JSON; ValueError if it is none.
WRITERS = {
    "int": lambda field: number(INT, field),
    "decimal": lambda field: json.dumps(number(DECIMAL, field)),
    "date": day,
    "bool": truth,
}


def main():
    parser = argparse.ArgumentParser(description="Converts a table on standard input into JSON lines on standard output.")
    parser.add_argument("--types", type=column_types, default={}, metavar="NAME:TYPE,...")
    types = parser.parse_args().types
    # Newlines inside quotes are data, so they must arrive as they are.
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict", newline="")
    try:
        return convert(sys.stdin, types)
    except (NoTable, UnicodeDecodeError) as error:
        print(f"convert: {error}", file=sys.stderr)
        return 2


def column_types(text):
    types = dict(pair.split(":") for pair in text.split(","))
    if unknown := set(types.values()) - set(WRITERS):
        raise ValueError(f"unknown types: {unknown}")
    return types


def convert(lines, types):
    begun = []
    delimiter = find_delimiter(begun, lines)
    reader = csv.reader(itertools.chain(begun, lines), delimiter=delimiter)
    names = next(filter(None, reader), [])
    check_header(names, types)
    any_bad = False
    first_line = reader.line_num + 1
    for row in reader:
        if row:
            try:
                print(as_json(names, row, types))
            except ValueError as error:
                print(f"line {first_line}: {error}", file=sys.stderr)
                any_bad = True
        first_line = reader.line_num + 1
    return 3 if any_bad else 0


def find_delimiter(begun, lines):
    """The one by which most of the first rows fit the header. The lines read for it are kept in `begun`."""

    def fitting_rows(delimiter):
        records = filter(None, csv.reader(keeping(begun, lines), delimiter=delimiter))
        header = next(records, [])
        rows = itertools.islice(records, ROWS_INSPECTED)
        return sum(len(row) == len(header) > 1 for row in rows)

    return max(DELIMITERS, key=fitting_rows)


def keeping(begun, lines):
    yield from begun
    for line in lines:
        begun.append(line)
        yield line


def check_header(names, types):
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise NoTable(f"columns of the same name: {sorted(twice)}")
    missing = set(types) - set(names)
    if missing:
        raise NoTable(f"no column has the name of: {sorted(missing)}")


def as_json(names, row, types):
    if len(row) != len(names):
        raise ValueError(f"the header has {len(names)} fields, this row has {len(row)}")
    members = (f"{json.dumps(name)}: {value_of(name, field, types.get(name))}" for name, field in zip(names, row))
    return "{" + ", ".join(members) + "}"


def value_of(name, field, kind):
    if kind is None:
        return json.dumps(field)
    if field == "":
        return "null"
    try:
        return WRITERS[kind](field)
    except ValueError:
        raise ValueError(f"{name!r} is {field!r:.100}, which is no {kind}") from None


if __name__ == "__main__":
    sys.exit(main())
