"""A filter between two pipes: a table goes in, JSON lines and complaints come out.

Tables are made here from values that the seed has chosen, and what comes out is read as JSON by the letter: numbers keep their digits as
text, and what Python's reader would take beyond JSON is refused. Each case looks at its own subject only. Blanks in JSON, escapes, the
order of members (but in `types`), the words of a complaint and exit codes are otherwise free.

Apart from `delimiters`, a header has no other delimiter than the table's own, so that every sensible way to find it finds the right one.
In `stream` the table is larger than the case's memory, and the examiner gives and takes as the program does: whoever holds it all is
killed, and whoever reads in large blocks is not.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal

KIB = 1024
MIB = 1024 * KIB
DELIMITERS = ",;\t|"
SPELLED = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
#: Characters that some program takes for a newline, a quote or a blank to be stripped. In a table they are data.
ODD = ["'", "\x0c", "\u2028", "\x85", "\x0b", "\x1c", "\\", " ", "\u00a0"]
LINE_BYTES_MAX = 64 * KIB
STREAM_BYTES = 20 * MIB
STREAM_FIELD = 4 * KIB


def quoting(exam):
    names = [word(exam), "name", "note"]
    rows = [[f"{word(exam)}{ODD[number % len(ODD)]}{word(exam)}", nasty(exam, number), nasty(exam, number + 1)] for number in range(20)]
    rows[7][0] = f"  {word(exam)} "
    converted(exam, table(names, rows), names, rows)
    with exam.during("lines end with \\n only, and every field is in quotes"):
        converted(exam, table(names, rows, newline="\n", quote_all=True), names, rows)


def delimiters(exam):
    chosen = exam.random.sample(DELIMITERS, 4)
    for delimiter in chosen:
        one, other, third = exam.random.sample(DELIMITERS.replace(delimiter, ""), 3)
        # By `one`, the header has more fields than by the delimiter, and so does a row.
        names = ["name", f"price{one} net{one} EUR{one} 2 digits", f"day{third}"]
        rows = [[word(exam), f"{other}{one}" * exam.random.randint(0, 1) + word(exam), word(exam)] for _ in range(15)]
        rows[1] = [word(exam), f"{one} {one} {one}", word(exam)]
        rows[4] = [f"{delimiter}{one}{word(exam)}", f'"{other}', word(exam)]
        with exam.during(f"the delimiter is {SPELLED[delimiter]}, and {names[1]!r} is one of the three names"):
            if delimiter == chosen[0]:
                data = table(names, rows[:3] + [[word(exam)]] + rows[3:], delimiter)
                with exam.during("the fourth row has one field only and is bad"):
                    converted(exam, data, names, rows)
            else:
                converted(exam, table(names, rows, delimiter), names, rows)
    names = [f"net, EUR; {word(exam)}"]
    rows = [[f"{word(exam)}{extra}"] for extra in ("", ",;", "|", ", , ", "\t\t", ";")]
    with exam.during(f"the table has the one column {names[0]!r}, with every field in quotes"):
        converted(exam, table(names, rows, quote_all=True), names, rows)


def bom(exam):
    names = [f"first, {word(exam)}", "second"]
    rows = [[f"\ufeff{word(exam)}", word(exam)], [word(exam), f"{word(exam)}\ufeff"]]
    for mark in ("\ufeff", ""):
        how = "a byte order mark stands before the header" if mark else "there is no byte order mark"
        with exam.during(f"{how}, and the first name is in quotes"):
            converted(exam, mark.encode() + table(names, rows), names, rows)


def types(exam):
    columns = {f"n {word(exam)}": "int", "price": "decimal", f"day {word(exam)}": "date", "ok": "bool", "note": None, "code": None}
    names = exam.random.sample(list(columns), len(columns))
    if names == sorted(names):
        names.reverse()
    good = []
    for truth in ("true", "false", "True", "FALSE"):
        n, cents = exam.random.randint(-(10**6), 10**6), exam.random.randint(1, 10**6) * 25
        day = f"{exam.random.randint(1900, 2100)}-{exam.random.randint(1, 12):02}-{exam.random.randint(1, 28):02}"
        fields = dict(zip(columns, [str(n), f"{cents / 100:.2f}", day, truth, str(n), f"00{cents}"]))
        values = dict(zip(columns, [Decimal(n), Decimal(cents) / 100, day, truth.lower() == "true", str(n), f"00{cents}"]))
        good.append((fields, values))
    empty = {name: "" for name in columns}
    good.append((dict(empty, code="x"), {name: None if columns[name] else "" for name in columns} | {"code": "x"}))
    leap = dict(empty, **{name: "2024-02-29" for name in columns if columns[name] == "date"})
    good.append((leap, good[-1][1] | {"code": ""} | {name: "2024-02-29" for name in columns if columns[name] == "date"}))

    wrong = {
        "int": ["12.5", "12 pieces", "1e3"],
        "decimal": ["12,5", "1.2.3", "much"],
        "date": ["2023-02-29", "20240131", "2024-1-31", "2024-W05-3", "31.01.2024"],
        "bool": ["yes", "1", "falsehood"],
    }
    bad = {word(exam): (name, field) for name, kind in columns.items() for field in wrong.get(kind, [])}
    bad_rows = [dict(good[0][0], **{"code": code, name: field}) for code, (name, field) in bad.items()]
    rows = [fields for fields, _ in good] + exam.random.sample(bad_rows, len(bad)) + [good[1][0]]
    want = [values for _, values in good] + [good[1][1]]
    given = named_types(exam, {name: kind for name, kind in columns.items() if kind})
    output, _, _ = run(exam, table(names, [[row[name] for name in names] for row in rows]), given)
    got = objects(exam, output)
    with exam.during(f"--types {given}"):
        for values in got:
            if (found := bad.get(str(values.get("code")))) is not None:
                exam.fail(f"a row with {found[1]!r} in the column {found[0]!r} is bad, but it became {values!r:.200}")
        for number, (values, expected) in enumerate(zip(got, want), 1):
            shown = ", ".join(f"{name}: {rows[number - 1][name]!r}" for name in names)
            what = f"object {number}, of the row with {shown}" if number <= len(good) else f"object {number}, of the last row"
            exam.equal(by_value(values), expected, what)
            exam.equal(list(values), names, f"the names in object {number}, in their order")
        exam.equal(len(got), len(want), f"how many objects were written; {len(bad)} rows are bad")


def bad_row_line(exam):
    names, given = ["id", "text", "n"], "n:int"
    rows, numbers, good = [], [], []
    line = 2
    kinds = ["few", "many", "type", "newline", "tall", "empty", "empty", "good", "good"] * 2
    kinds = ["good"] * 10 + exam.random.sample(kinds, len(kinds)) + ["few"]
    for kind in kinds:
        row, text = of_kind(exam, kind)
        if kind == "good":
            good.append(row)
        elif kind != "empty":
            numbers.append(line)
        rows.append(text)
        line += text.count("\n")
    data = table(names, []) + "".join(rows).encode()
    output, errors, end = run(exam, data, given, stderr=True)
    exam.equal(complained(exam, errors), numbers, "the lines on which bad rows begin, by standard error")
    compare(exam, objects(exam, output), names, good, f"{len(numbers)} rows are bad", {"n": Number})
    exam.equal(end.code, 3, f"the exit code, with {len(numbers)} bad rows")

    output, errors, end = run(exam, table(names, good), given, stderr=True)
    with exam.during("the same table without its bad rows"):
        exam.equal(errors.decode("utf-8", "backslashreplace"), "", "what was written to standard error")
        exam.equal(end.code, 0, "the exit code")


def exact_numbers(exam):
    digits = lambda count: str(exam.random.randint(10 ** (count - 1), 10**count - 1))
    ints = ["0", str(2**53 + 1), str(-(2**64) - 1), str(10**30), digits(30), "-" + digits(40)]
    decimals = [
        "0.10", "1.0", "-0.0", "0.00", "100.000", "0.0000001", "1e-7", "1E+30", "-2.50e10", "1e400", "3",
        f"0.{digits(20)}", f"{digits(25)}.{digits(5)}0", f"-{digits(17)}.1", str(10**30), f"{digits(1)}.{digits(16)}E-{digits(2)}",
    ]  # fmt: skip
    exam.random.shuffle(decimals)
    rows = [[word(exam), exam.random.choice(ints), decimal] for decimal in decimals] + [[word(exam), whole, "1"] for whole in ints]
    names = ["id", "n", "price"]
    output, _, _ = run(exam, table(names, rows), "n:int,price:decimal")
    compare(exam, objects(exam, output), names, rows, "--types n:int,price:decimal", {"n": Number, "price": Number})


def nan(exam):
    number = str(exam.random.randint(100, 999))
    both = ["NaN", "nan", "-NaN", "Infinity", "inf", "-inf", f"+{number}", f" {number}", f"{number} ", f"1_{number}", f"0{number}",
            "-", "0x1F", "\u0661\u0662", "\uff11", f"{number}\n", f"\u00a0{number}", "true", "null", "--1", "-01"]  # fmt: skip
    wrong = {"n": both + [f"{number}.0", f"{number}e2"], "x": both + ["sNaN", f".{number}", f"{number}.", "1e", "1.e5", "1,5", "-.5"]}
    names, rows, good = ["n", "x", "id"], [], []
    for row in [[number, f"{number}.5", word(exam)] for _ in range(10)]:
        rows.append(row)
        good.append(row)
    for column, fields in wrong.items():
        for field in exam.random.sample(fields, len(fields)):
            good.append([number, number, word(exam)])
            bad = [number, number, word(exam)]
            bad[names.index(column)] = field
            rows += [bad, good[-1]]
    got = objects(exam, run(exam, table(names, rows), "n:int,x:decimal")[0])
    bad = {row[2]: row for row in rows if row not in good}
    for values in got:
        if (row := bad.get(str(values.get("id")))) is not None:
            exam.fail(f"the row {row!r} is bad, but it became {values!r:.200}")
    compare(exam, map(by_value, got), names, good, "every second row from the eleventh on is bad", {"n": Decimal, "x": Decimal})


def duplicate_header(exam):
    first, second, third = (word(exam) for _ in range(3))
    rows = [[word(exam) for _ in range(4)] for _ in range(3)]
    for names in ([first, second, third, second], [first, first, second, third]):
        with exam.during(f"the header is {','.join(names)}"):
            refused(exam, table(names, rows), None)
            refused(exam, table(names, rows, quote_all=True), None)
    with exam.during(f"the header is {first},{second},{third},x, and the option is --types {second}:int,y:int"):
        refused(exam, table([first, second, third, "x"], rows), f"{second}:int,y:int")


def bad_encoding(exam):
    names = ["id", "text"]
    rows = [[word(exam), f"stra\u00dfe {word(exam)}"] for _ in range(20)]
    inside = exam.random.choice([b"\xff", "\u00fc".encode("latin-1"), b"\xed\xa0\x80", b"\xc0\x80", b"\x80"])
    long = table(names, rows + [[word(exam), "x" * 1000] for _ in range(30)])
    inputs = {
        f"the bytes {inside!r} stand in a field": table(names, rows) + word(exam).encode() + b"," + inside + b"\r\n",
        "the input ends in the middle of a character": table(names, rows) + word(exam).encode() + b"," + "\u20ac".encode()[:2],
        f"after 30 KiB and a bad row come the bytes {inside!r}": long + b"bad\r\nx," + inside + b"\r\nz,y\r\n",
    }
    for what, data in inputs.items():
        with exam.during(what):
            _, errors, end = run(exam, data, stderr=True)
            exam.equal(end.code, 2, "the exit code")
            assert errors.strip(), "a reason must be written to standard error, but nothing was"


def stream(exam):
    pool = word(exam, 4 * KIB) * 17
    number = exam.random.randint(10**6, 10**7)
    rows = range(STREAM_BYTES // STREAM_FIELD)
    text = lambda index: pool[index * 7 % (64 * KIB) :][:STREAM_FIELD]

    def pieces():
        yield b"n,text,price\r\n"
        for index in rows:
            yield f"{number + index},{text(index)},{index}.10\r\n".encode()

    program = exam.start("convert", "--types", "n:int,price:decimal", stdin=True, stdout=True)
    came = 0
    for index, line in enumerate(lines_of(exam, program.through(pieces()))):
        if index not in rows:
            exam.fail(f"more than the {len(rows)} objects expected were written")
        got = by_value(an_object(exam, line, index + 1))
        want = {"n": Decimal(number + index), "text": text(index), "price": Decimal(f"{index}.1")}
        for name in want:
            if got.get(name) != want[name]:
                exam.equal(got.get(name), want[name], f"{name} in object {index + 1} of a table of {len(rows)} rows")
        came += 1
    end = program.wait()
    exam.equal(came, len(rows), f"how many objects were written of a table of {STREAM_BYTES // MIB} MiB")
    exam.equal(end.code, 0, "the exit code")


@dataclass(frozen=True)
class Number:
    """A JSON number, digit for digit."""

    text: str

    def __repr__(self):
        return self.text


def run(exam, data, types=None, stderr=False):
    """Standard output, standard error (where it is asked for) and the end of a run."""
    program = exam.start("convert", *(["--types", types] if types else []), stdin=True, stdout=True, stderr=stderr)
    program.stdin.write(data)
    program.stdin.close()
    output = program.stdout.read_to_end(MIB)
    errors = program.stderr.read_to_end(MIB) if stderr else b""
    return output, errors, program.wait()


def lines_of(exam, chunks):
    unread = b""
    for chunk in chunks:
        *whole, unread = (unread + chunk).split(b"\n")
        yield from whole
        if len(unread) > LINE_BYTES_MAX:
            exam.fail(f"a line of standard output has more than {LINE_BYTES_MAX} bytes")
    ends_with_a_newline(exam, unread)


def ends_with_a_newline(exam, unread):
    if unread:
        exam.fail(f"the last line of standard output has no newline at its end: {unread[:80]!r}")


def refused(exam, data, types):
    """The table as a whole is not converted."""
    output, errors, end = run(exam, data, types, stderr=True)
    exam.equal(output.decode("utf-8", "backslashreplace"), "", "what was written to standard output")
    assert errors.strip(), "a reason must be written to standard error, but nothing was"
    exam.equal(end.code, 2, "the exit code")


def objects(exam, output):
    """Every line of standard output, as JSON has it."""
    *lines, rest = output.split(b"\n")
    ends_with_a_newline(exam, rest)
    return [an_object(exam, line, number) for number, line in enumerate(lines, 1)]


def an_object(exam, line, number):
    what = f"line {number} of standard output"
    try:
        text = line.decode()
    except UnicodeDecodeError:
        exam.fail(f"{what} is not UTF-8: {line[:200]!r}")
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=no_json, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        exam.fail(f"{what} is not JSON, {error}: {text[:200]!r}")
    if not isinstance(value, dict):
        exam.fail(f"{what} must be a JSON object, but it is {text[:200]!r}")
    if any(isinstance(field, (list, dict)) for field in value.values()):
        exam.fail(f"{what} must not have lists or objects in it, but it is {text[:200]!r}")
    return value


def no_json(text):
    raise ValueError(f"{text} is no value in JSON")


def members(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice in one object")
    return dict(pairs)


def by_value(values):
    """The same with 2.50 equal to 2.5."""
    return {name: decimal(value) if isinstance(value, Number) else value for name, value in values.items()}


def decimal(number):
    try:
        return Decimal(number.text)
    except ArithmeticError:
        return number


def complained(exam, errors):
    """The numbers in lines of the form `line N: reason`, which all of them must have."""
    lines = errors.decode("utf-8", "backslashreplace").split("\n")
    numbers = [re.fullmatch(r"line ([0-9]{1,9}): .*\S.*", line) for line in lines[:-1]]
    for line, found in zip(lines, numbers):
        assert found, f"each line of standard error must have the form `line N: reason`, but there is {line[:200]!r}"
    assert not lines[-1], f"the last line of standard error has no newline at its end: {lines[-1][:200]!r}"
    return [int(found[1]) for found in numbers]


def converted(exam, data, names, rows):
    """These are the good rows, and all fields are texts."""
    compare(exam, objects(exam, run(exam, data)[0]), names, rows, f"the table begins {data[:60]!r}")


def compare(exam, got, names, rows, what, kinds={}):
    """What came must be these rows, with numbers in the columns of `kinds`."""
    got = list(got)
    with exam.during(what):
        for number, (values, row) in enumerate(zip(got, rows), 1):
            want = {name: kinds.get(name, str)(field) for name, field in zip(names, row)}
            if values != want:
                exam.equal(values, want, f"object {number}")
        exam.equal(len(got), len(rows), "how many objects were written")


def of_kind(exam, kind):
    """A row of three columns, and how it stands in the table."""
    row = [word(exam), f"two\n\nlines {word(exam)}" * exam.random.randint(0, 1), str(exam.random.randint(1, 10**6))]
    if kind == "few":
        row = row[:2]
    if kind == "many":
        row.append("")
    if kind == "type":
        row[2] = word(exam)[:3] + "x"
    if kind == "newline":
        row[2] = "1\n2\nline 3: x"
    if kind == "tall":
        row[1:] = ["\n" * exam.random.randint(2, 5), "none"]
    if kind == "empty":
        row = []
    return row, line_of(row, ",", exam.random.choice(["\r\n", "\n"]))


def table(names, rows, delimiter=",", newline="\r\n", quote_all=False):
    return "".join(line_of(row, delimiter, newline, quote_all) for row in [names, *rows]).encode()


def line_of(row, delimiter, newline, quote_all=False):
    quoted = lambda field: quote_all or any(character in field for character in (delimiter, '"', "\r", "\n"))
    return delimiter.join('"' + field.replace('"', '""') + '"' if quoted(field) else field for field in row) + newline


def nasty(exam, number):
    """A text in which every character is data."""
    parts = [word(exam), exam.random.choice(ODD), exam.random.choice(['"', '""', ",", "\n", "\r\n", ";", "\n\n", '",', '"\r\n"'])]
    parts += exam.random.choice([["'", "'"], [","], [], [word(exam)]]) if number % 3 else ["\r\n", exam.random.choice(ODD)]
    exam.random.shuffle(parts)
    return "".join(parts)


def named_types(exam, columns):
    names = exam.random.sample(list(columns), len(columns))
    return ",".join(f"{name}:{columns[name]}" for name in names)


def word(exam, length=8):
    """Letters that nobody can know beforehand."""
    return "".join(exam.random.choices("abcdefghijklmnopqrstuvwxyz", k=length))
