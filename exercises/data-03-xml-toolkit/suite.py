"""XML as files, trees and streams; documents that come back are parsed again and compared as a parser sees them.

Documents are made of trees of the suite's own (`Node`), which also perform the operations that `edit` is given: what is expected is never
computed by a library that a student could use. What XML leaves free makes no difference: quotes, the order of attributes, references,
encodings and where namespaces are declared. Prefixes are compared in `ns-prefix` only.

Streams come by a connection whose other end is the suite. In `stream-early` the second half is sent when the first items are there. In
`stream-flat` a few MiB suffice, since even an emptied element takes more room in memory than in the file.
"""

from itertools import islice
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from practicum import Failure, Raised

KIB = 1024
DOCUMENT_BYTES_MAX = 64 * KIB
ITEMS = 200_000
ELEMENTS = 60_000
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
XML_URI = "http://www.w3.org/XML/1998/namespace"


def sax_counts(exam):
    names = [word(exam) for _ in range(5)]
    for depth in (1, 3, 6):
        root = tree(exam, names, depth, mixed=False)
        document = written(root)
        demand(stats(exam, document), counted(root), "what sax_stats returned", document)


def sax_split_text(exam):
    outer, inner = word(exam), word(exam)
    # A blank at every other place: wherever the text is cut, a piece has one at its end or at its beginning.
    letters = " ".join(exam.random.choices(ALPHABET, k=15_000))
    parts = [" ".join(exam.random.choices(ALPHABET + "äß漢", k=exam.random.randint(3, 9))) for _ in range(4)]
    one = f"<{outer}>\n {{}} \n</{outer}>"
    texts = {
        "a text of 30 KB": (one.format(letters), letters),
        "a text with a comment and an instruction in it": (
            one.format(f"{parts[0]} <!-- {parts[1]} --> {parts[2]} <?go {parts[3]}?> x"), f"{parts[0]}  {parts[2]}  x"
        ),
        "a text with references and CDATA in it": (
            one.format(f"a &lt; {parts[0]} &#228;<![CDATA[ & <b> ]]>&amp;"), f"a < {parts[0]} ä & <b> &"
        ),
    }  # fmt: skip
    for what, (document, text) in texts.items():
        got = column(stats(exam, document.encode()), "chars")
        demand(got, {outer: len(text)}, f"the chars that sax_stats returned for {what}", document.encode())
    document = one.format(f"{parts[0]} <{inner}> {parts[1]} </{inner}> {parts[2]} <{inner}/> {parts[3]}")
    want = {outer: len(f"{parts[0]}  {parts[2]}  {parts[3]}"), inner: len(parts[1])}
    demand(column(stats(exam, document.encode()), "chars"), want, "the chars that sax_stats returned", document.encode())


def ns_find(exam):
    first, second, third = (uri(exam) for _ in range(3))
    a, b, one, other = (word(exam) for _ in range(4))
    number = str(exam.random.randint(10, 10**6))
    # The same local names in three namespaces and in none; p stands for another one inside of q's element.
    document = (
        f'<p:{a} xmlns:p="{first}" xmlns:q="{second}"><p:{b} {one}="1" p:{one}="{number}">x</p:{b}><q:{b} {one}="2" q:{one}="3">y</q:{b}>'
        f'<{b}>z</{b}><q:{a} xmlns:p="{third}"><p:{b} {other}="4"><p:{one}>k</p:{one}><{one}>n</{one}></p:{b}></q:{a}>'
        f'<{a} xmlns="{third}"><{b} {one}="5">v</{b}></{a}></p:{a}>'
    ).encode()
    wanted = {
        f"{{{third}}}{b}": [{other: "4", f"{{{third}}}{one}": "k", one: "n"}, {one: "5"}],
        f"{{{first}}}{b}": [{one: "1", f"{{{first}}}{one}": number}],
        b: [{}],
    }
    for tag, want in wanted.items():
        demand(items(exam, document, tag), want, f"what stream(f, {tag!r}) yielded", document)
    named = {first: (a, b), second: (a, b), third: (a, one)}
    once = [b, one, *(f"{{{space}}}{name}" for space, names in named.items() for name in names)]
    want = dict.fromkeys(once, 1) | {f"{{{third}}}{b}": 2}
    demand(column(stats(exam, document), "count"), want, "the counts that sax_stats returned", document)
    root = Node(f"{{{first}}}{a}", {}, [])
    for tag in (f"{{{first}}}{b}", f"{{{second}}}{b}", b, f"{{{third}}}{b}"):
        root.content.append(Node(tag, {one: "1", f"{{{second}}}{one}": "2"}, [word(exam)]))
    prefixes = dict(zip((first, second, third), exam.random.sample(["p", "q", "r"], 3)))
    for tag in (b, f"{{{second}}}{b}", "*", f".//{{{third}}}*"):
        edited(exam, root, prefixes, [{"op": "set", "path": tag, "attribute": f"{{{second}}}{one}", "value": number}])
        edited(exam, root, prefixes, [{"op": "rename", "path": tag, "tag": f"{{{first}}}{other}"}])


def edit_canonical(exam):
    for number in range(16):
        uris = [uri(exam) for _ in range(exam.random.randint(1, 3))]
        prefixes = dict(zip(uris, exam.random.sample(["", "p", "q", "x-y"], len(uris))))
        names = [f"{{{exam.random.choice(uris)}}}{word(exam)}" for _ in range(3)]
        if "" not in prefixes.values():
            names.append(word(exam))
        root = tree(exam, names, 3, attributes=True)
        # Each operation alone, then several.
        kinds = [["set"], ["append"], ["rename"], ["remove"]][number % 4] if number < 8 else exam.random.choices(list(OPERATIONS), k=4)
        edited(exam, root, prefixes, operations(exam, kinds, root.copy(), names))

    first, second = word(exam), word(exam)
    text, other = f"<{first}> & {second}", f"ä{word(exam)}"
    document = (
        f"<?xml version='1.0' encoding='ISO-8859-1'?>\n<!-- <{first}>{second}</{first}> -->\n<r {first}='{first}' b='&quot;&lt;\"&apos;'"
        f">{first}<{first}><![CDATA[<{first}> & ]]>{second}</{first}>\n ä &#228; <{second}>{first}</{second}>\t</r>"
    ).encode("latin-1")
    node = Node("r", {first: first, "b": "\"<\"'"}, [first, Node(first, {}, [text]), "\n ä ä ", Node(second, {}, [first]), "\t"])
    for ops in (
        [{"op": "rename", "path": first, "tag": second}],
        [{"op": "set", "path": first, "text": other}, {"op": "append", "path": ".", "tag": first, "attributes": {second: other}}],
        [{"op": "set", "path": ".", "attribute": first, "value": f'"{text}"'}, {"op": "set", "path": "nothing", "text": "lost"}],
        [{"op": "set", "path": ".", "text": other}, {"op": "set", "path": "*", "attribute": first, "value": second}],
    ):
        edited(exam, node, {}, ops, document)


def ns_prefix(exam):
    uris = [uri(exam) for _ in range(3)]
    names = [word(exam) for _ in range(4)]
    prefixes = exam.random.sample(["p", "soap", "x-y", "n", "a"], 3)
    for turn in range(4):
        # The same namespaces under other prefixes: what one document has says nothing about the next.
        mapping = dict(zip(uris, prefixes[turn % 3 :] + prefixes[: turn % 3]))
        if turn > 1:
            mapping[uris[turn - 2]] = ""
        named = [target for target, prefix in mapping.items() if prefix]
        root = Node(f"{{{uris[0]}}}{names[0]}", {f"{{{XML_URI}}}lang": "de", f"{{{named[0]}}}{names[1]}": word(exam)}, [])
        for target in uris + uris:
            root.content.append(Node(f"{{{target}}}{exam.random.choice(names)}", {f"{{{named[1]}}}{names[2]}": word(exam)}, [word(exam)]))
        ops = [
            {"op": "set", "path": f"{{{uris[1]}}}*", "text": word(exam)},
            {"op": "append", "path": ".", "tag": f"{{{uris[2]}}}{names[3]}", "text": word(exam)},
            {"op": "rename", "path": f"{{{uris[0]}}}*", "tag": f"{{{uris[1]}}}{names[0]}"},
        ]
        edited(exam, root, mapping, exam.random.sample(ops, turn % 3 + 1), keep_prefixes=True)


def remove_siblings(exam):
    name, other = word(exam), word(exam)
    element = lambda *content: Node(name, {}, list(content))
    documents = [
        [element(word(exam)) for _ in range(5)],
        [element(), Node(other, {}, []), element(), element(), element(word(exam)), Node(other, {}, [])],
        [word(exam), element("x"), f" {word(exam)}\n", element(), f"{word(exam)}, ", Node(other, {}, []), "; ", element(), word(exam)],
        [element(), f" {word(exam)} ", element(), f" {word(exam)}"],
        [Node(other, {}, [element(), element(), word(exam)]), element(element(), "inner", element()), element(), word(exam)],
    ]
    for content in documents:
        edited(exam, Node("r", {}, content), {}, [{"op": "remove", "path": f".//{name}"}])
        edited(exam, Node("r", {}, content), {}, [{"op": "remove", "path": name}])
    edited(exam, Node("r", {}, documents[2]), {}, [{"op": "remove", "path": "*"}])


def stream_early(exam):
    tag, wrapper, number, child, other = (word(exam) for _ in range(5))
    rows = [{number: str(exam.random.randint(1, 10**9)), child: f"{word(exam)} & {word(exam)}", other: ""} for _ in range(1200)]
    pieces = [
        f'<{tag} {number}="{row[number]}"><{child}>{escape(row[child])}</{child}> <{other}/></{tag}>\n<{other}>{word(exam)}</{other}>'
        for row in rows
    ]
    # So many items are in the first 16 KiB; at least 64 KiB come behind them.
    early = 16 * KIB // max(map(len, pieces))
    half = early + 1
    while sum(map(len, pieces[early:half])) <= 65 * KIB:
        half += 1
    ours, theirs = exam.pair()
    reader = exam.drive("drivers/beside.py:reader", module="xmltool.py", sock=theirs, tag=tag)
    with exam.during(f"the first {half} of {len(rows)} items have come, and the rest has not"):
        taking = exam.background(reader.take, early)
        ours.send(f"<{wrapper}><{child}/>\n".encode() + "".join(pieces[:half]).encode())
        same(exam, taking.result(), rows[:early], f"the first {early} items")
    with exam.during("then the rest has come"):
        taking = exam.background(reader.rest)
        ours.send("".join(pieces[half:]).encode() + f"</{wrapper}>\n".encode())
        ours.end()
        same(exam, taking.result(), rows[early:], f"the other {len(rows) - early} items")


def stream_flat(exam):
    root, group, tag, other, name = (word(exam) for _ in range(5))
    ours, theirs = exam.pair()
    reader = exam.drive("drivers/beside.py:reader", module="xmltool.py", sock=theirs)
    with exam.during(f"a document with {ELEMENTS} elements inside of one"):
        counting = exam.background(reader.stats)
        send(ours, f"<{root}><{group}>", (f'<{tag} {name}="{index}"/>' for index in range(ELEMENTS)), f"</{group}></{root}>")
        exam.equal(column(counting.result(), "count"), {root: 1, group: 1, tag: ELEMENTS}, "the counts that sax_stats returned")

    start, step = exam.random.randint(10**5, 10**6), exam.random.randint(2, 9)
    elements = (f'<{tag} {name}="{start + step * index}"/><{other} {name}="-"/>' for index in range(ITEMS))
    ours, theirs = exam.pair()
    reader = exam.drive("drivers/beside.py:reader", module="xmltool.py", sock=theirs, tag=tag)
    with exam.during(f"a document with {ITEMS} items, and as many other elements, inside of one"):
        adding = exam.background(reader.totals, name, 50_000)
        send(ours, f"<{root}><{group}>", elements, f"</{group}></{root}>")
        want = {
            "count": ITEMS,
            "total": ITEMS * start + step * (ITEMS * (ITEMS - 1) // 2),
            "some": [{name: str(start + step * index)} for index in range(0, ITEMS, 50_000)],
        }
        exam.equal(adding.result(), want, "how many items were yielded, the sum of their numbers, and every 50000th of them")


def entity_bomb(exam):
    root, name = word(exam), word(exam)
    canary = exam.listen()
    host, port = canary.address[:2]
    levels = [f'<!ENTITY e0 "{"ha" * 20}">'] + [f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 9)]
    refused = {
        "a billion laughs": f"<!DOCTYPE {root} [{''.join(levels)}]><{root}>&e8;</{root}>",
        "an entity that is never used": f'<!DOCTYPE {root} [<!ENTITY {name} "x">]><{root}><{name}/></{root}>',
        "an external entity": f'<!DOCTYPE {root} [<!ENTITY {name} SYSTEM "http://{host}:{port}/">]><{root}>&{name};</{root}>',
        "a parameter entity": f'<!DOCTYPE {root} [<!ENTITY % {name} "x">]><{root}/>',
        "an entity in a document of UTF-16": f'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE {root} [<!ENTITY {name} "x">]><{root}/>',
    }
    for what, document in refused.items():
        data = document.encode("utf-16" if "utf-16" in document else "utf-8")
        module = exam.load("xmltool.py")
        calls = {
            "sax_stats": lambda: stats(exam, data),
            "edit": lambda: module.edit(data, [{"op": "set", "path": name, "text": "x"}]),
            "stream": lambda: items(exam, data, root),
        }
        for function, call in calls.items():
            raises_value_error(exam, f"{function} of a document with {what}, {document!r:.120}", call)
    assert not canary.touched(), "an external entity was fetched: somebody connected to us"

    words = f"<!ENTITY {name} 'x'>"
    accepted = f"<!DOCTYPE {root} [<!ELEMENT {root} ANY> <!-- {words} -->]><{root}><{name}><![CDATA[{words}]]></{name}></{root}>".encode()
    with exam.during(f"there is a document type without entities, {accepted!r}"):
        exam.equal(column(stats(exam, accepted), "count"), {root: 1, name: 1}, "the counts that sax_stats returned")
        exam.equal(len(items(exam, accepted, root)), 1, f"how many items stream(f, {root!r}) yielded")
        exam.load("xmltool.py").edit(accepted, [{"op": "set", "path": name, "text": "new"}])


class Node:
    """An element; `content` holds texts and elements."""

    def __init__(self, tag, attributes, content):
        self.tag = tag
        self.attributes = attributes
        self.content = content

    def copy(self):
        return Node(self.tag, dict(self.attributes), [part.copy() if isinstance(part, Node) else part for part in self.content])

    def children(self):
        return [part for part in self.content if isinstance(part, Node)]

    def descendants(self):
        for child in self.children():
            yield child
            yield from child.descendants()

    def text(self):
        return "".join(part for part in self.content if isinstance(part, str)).strip()


def find(root, path):
    """What ElementTree's findall finds by the paths that are used here: `.`, `.//TAG`, or tags with slashes between."""
    if path == ".":
        return [root]
    if path.startswith(".//"):
        return [node for node in root.descendants() if fits(node, path[3:])]
    found = [root]
    for step in steps(path):
        found = [child for node in found for child in node.children() if fits(child, step)]
    return found


def steps(path):
    """Slashes inside of braces belong to a namespace."""
    step, inside = "", False
    for character in path:
        inside = character == "{" or inside and character != "}"
        if character == "/" and not inside:
            yield step
            step = ""
        else:
            step += character
    yield step


def fits(node, step):
    return step in ("*", node.tag) or step.endswith("}*") and node.tag.startswith(step[:-1])


def set_(root, op):
    for node in find(root, op["path"]):
        if "attribute" in op:
            node.attributes[op["attribute"]] = op["value"]
        else:
            first = next((index for index, part in enumerate(node.content) if isinstance(part, Node)), len(node.content))
            node.content[:first] = [op["text"]]


def remove(root, op):
    gone = find(root, op["path"])
    for node in [root, *root.descendants()]:
        node.content = [part for part in node.content if part not in gone]


def append(root, op):
    for node in find(root, op["path"]):
        node.content.append(Node(op["tag"], dict(op.get("attributes", {})), [op["text"]] if "text" in op else []))


def rename(root, op):
    for node in find(root, op["path"]):
        node.tag = op["tag"]


OPERATIONS = {"set": set_, "remove": remove, "append": append, "rename": rename}


def edited(exam, root, prefixes, ops, document=None, keep_prefixes=False):
    """`edit` must make of the document what the operations make of the tree."""
    document = document or written(root, prefixes)
    want = root.copy()
    for op in ops:
        OPERATIONS[op["op"]](want, op)
    with exam.during(f"edit({document.decode('latin-1')!r:.200}, {ops!r})"):
        got = exam.load("xmltool.py").edit(document, ops)
        assert type(got) is bytes, f"it must return bytes, but it returned {got!r:.80}"
        assert len(got) < DOCUMENT_BYTES_MAX, f"it returned a document of {len(got)} bytes"
        places, want_places = parsed(exam, got), parsed(exam, written(want, prefixes))
    if keep_prefixes:
        same_places(written_names(got), written_names(written(want, prefixes)), ops, document, got)
    same_places(places, want_places, ops, document, got)


def same_places(got, want, ops, document, output):
    """The first place where two documents differ."""
    for (where, left), (_, right) in zip(got, want):
        if left != right:
            shown = f"After edit with {ops!r}, what comes {where} must be {right}, but it is {left}; the document was {shortened(document)}"
            raise Failure(shown, [{"kind": "diff", "title": shortened(document), "got": shortened(output), "want": right}])
    # A document has one end, so neither is the beginning of the other.
    assert len(got) == len(want)


def parsed(exam, document):
    """What a parser tells of the document, in order: (where, what) for each beginning and end of an element and each whole text."""
    places, path, pieces = [], [], []

    def where():
        return f"in <{path[-1]}>" if path else "first"

    def text_ends():
        if pieces:
            places.append((where(), f"the text {''.join(pieces)!r}"))
            pieces.clear()

    def begins(name, attributes):
        text_ends()
        given = "".join(f" {clark(key)}={attributes[key]!r}" for key in sorted(attributes))
        places.append((where(), f"<{clark(name)}{given}>"))
        path.append(clark(name))

    def ends(name):
        text_ends()
        places.append((where(), f"the end of <{path.pop()}>"))

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begins, ends, pieces.append
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        exam.fail(f"it returned what cannot be parsed ({error}): {document[:300]!r}")
    return places


def clark(name):
    return "{" + name if "}" in name else name


def written_names(document):
    """The names of elements and attributes with their prefixes, of a document that has been parsed."""
    places = []

    def begins(name, attributes):
        names = sorted(key for key in attributes if key.partition(":")[0] != "xmlns")
        places.append((f"as element {len(places) + 1}", f"<{' '.join([name, *names])}> by its names"))

    parser = expat.ParserCreate()
    parser.StartElementHandler = begins
    parser.Parse(document, True)
    return places


def demand(got, want, what, document):
    """As `exam.equal`, with the document at the end. Of two dicts, what differs is shown."""
    if got != want:
        if isinstance(got, dict) and isinstance(want, dict):
            differing = [key for key in {**want, **got} if key not in got or key not in want or got[key] != want[key]]
            got, want = ({key: side[key] for key in differing if key in side} for side in (got, want))
            what = f"of {what}, this part"
        evidence = {"kind": "diff", "title": what, "got": repr(got)[:2000], "want": repr(want)}
        raise Failure(f"{what} must be {want!r:.300}, but it is {got!r:.300}; the document was {shortened(document)}", [evidence])


def shortened(document):
    text = repr(document.decode("utf-8", "backslashreplace"))
    return text if len(text) <= 600 else text[:597] + "..."


def operations(exam, kinds, root, names):
    """Operations of these kinds, each on what the ones before have left of the tree."""
    ops = []
    for kind in kinds:
        ops.append(operation(exam, kind, root, names))
        OPERATIONS[kind](root, ops[-1])
    return ops


def operation(exam, kind, root, names):
    path, nodes = some_path(exam, root)
    if kind == "remove":
        # Only one and with no text behind it: what else there is to it has a case of its own.
        single = [node for node in root.children() if len(find(root, node.tag)) == 1 and not text_behind(root, node)]
        return {"op": kind, "path": exam.random.choice(single).tag if single else "nothing"}
    if kind == "rename":
        return {"op": kind, "path": path, "tag": exam.random.choice(names)}
    if kind == "append":
        given = {"op": kind, "path": path, "tag": exam.random.choice(names), "text": f"<{word(exam)}>"}
        return given | ({"attributes": {word(exam): f"{word(exam)}&"}} if exam.random.random() < 0.5 else {})
    if exam.random.random() < 0.5:
        return {"op": kind, "path": path, "text": f"{word(exam)} & {word(exam)}"}
    return {"op": kind, "path": path, "attribute": exam.random.choice([word(exam), *nodes[0].attributes]), "value": f'{word(exam)}"'}


def some_path(exam, root):
    """A path and what it finds, in which there is something."""
    line = [root]
    while line[-1].children() and (len(line) == 1 or exam.random.random() < 0.6):
        line.append(exam.random.choice(line[-1].children()))
    if len(line) == 1:
        return ".", line
    tags = [exam.random.choice([node.tag, node.tag, "*"]) for node in line[1:]]
    path = exam.random.choice(["/".join(tags), f".//{line[-1].tag}"])
    return path, find(root, path)


def text_behind(root, node):
    index = root.content.index(node)
    return index + 1 < len(root.content) and isinstance(root.content[index + 1], str)


def tree(exam, names, depth, attributes=False, mixed=True):
    """A tree; if it is mixed, with texts between its elements."""
    content = []
    for _ in range(exam.random.randint(2, 3) if depth > 1 else 0):
        content += [tree(exam, names, depth - 1, attributes, mixed)] + [f"\n  {word(exam)}"] * (mixed and exam.random.randint(0, 1))
    if depth == 1 or mixed and exam.random.random() < 0.5:
        content.insert(0, word(exam))
    given = {word(exam): f"{word(exam)} <&>" for _ in range(exam.random.randint(0, 2))} if attributes else {}
    return Node(exam.random.choice(names), given, content)


def written(node, prefixes={}, declare=True):
    """The document, with all namespaces declared at its root."""
    used = {name[1:].partition("}")[0] for each in [node, *node.descendants()] for name in [each.tag, *each.attributes] if name[0] == "{"}
    named = {XML_URI: "xml"} | prefixes
    for uri in sorted(used - set(named)):
        named[uri] = next(f"z{number}" for number in range(len(used)) if f"z{number}" not in named.values())
    declared = "".join(f" xmlns{':' * bool(prefix)}{prefix}={quoteattr(uri)}" for uri, prefix in named.items() if uri != XML_URI)
    return markup(node, named, declared).encode()


def markup(node, named, declared=""):
    tag = qualified(node.tag, named)
    attributes = "".join(f" {qualified(name, named)}={quoteattr(value)}" for name, value in node.attributes.items())
    content = "".join(markup(part, named) if isinstance(part, Node) else escape(part) for part in node.content)
    return f"<{tag}{declared}{attributes}>{content}</{tag}>"


def qualified(name, named):
    if name[0] != "{":
        return name
    uri, local = name[1:].split("}")
    return f"{named[uri]}:{local}" if named[uri] else local


def counted(root):
    """What sax_stats is to return."""
    found = {}

    def count(node, depth):
        of_tag = found.setdefault(node.tag, {"count": 0, "chars": 0, "depth": 0})
        of_tag["count"] += 1
        of_tag["chars"] += len(node.text())
        of_tag["depth"] = max(of_tag["depth"], depth)
        for child in node.children():
            count(child, depth + 1)

    count(root, 1)
    return found


def stats(exam, document):
    return exam.drive("drivers/beside.py:stats", module="xmltool.py", xml=document)


def column(found, name):
    """One of the numbers of each tag, as far as there are any."""
    if not isinstance(found, dict):
        return found
    return {tag: numbers.get(name) if isinstance(numbers, dict) else numbers for tag, numbers in found.items()}


def items(exam, document, tag):
    got = exam.drive("drivers/beside.py:items", module="xmltool.py", xml=document, tag=tag)
    assert type(got) is list, f"stream must yield dicts, but the list of them is {got!r:.80}"
    return got


def same(exam, got, want, what):
    """Many items, of which the first wrong one is shown."""
    assert type(got) is list, f"a list was expected, but there was {got!r:.80}"
    for number, (left, right) in enumerate(zip(got, want), 1):
        if left != right:
            exam.equal(left, right, f"item {number} of {what}")
    exam.equal(len(got), len(want), f"how many items were yielded, of {what}")


def send(peer, begin, elements, end):
    peer.send(begin.encode())
    while batch := "".join(islice(elements, 2000)):
        peer.send(batch.encode())
    peer.send(end.encode())
    peer.end()


def raises_value_error(exam, what, call):
    try:
        got = call()
    except Raised as raised:
        assert "ValueError" in raised.bases, f"{what} must raise ValueError, but raised {raised.said}"
    else:
        exam.fail(f"{what} must raise ValueError, but returned {got!r:.100}")


def uri(exam):
    return f"http://{word(exam)}/x"


def word(exam):
    """Letters that nobody can know beforehand."""
    return "".join(exam.random.choices(ALPHABET, k=6))
