"""Three interfaces to XML: events, a tree, and a tree that is thrown away while it grows."""
import io
import xml.etree.ElementTree as ET
import xml.sax
from xml.parsers import expat
from xml.sax.handler import ContentHandler, feature_namespaces

CHUNK = 16 * 1024


def sax_stats(f):
    statistics = _Statistics()
    parser = xml.sax.make_parser()
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(statistics)
    for chunk in _chunks(f):
        parser.feed(chunk)
    parser.close()
    return statistics.by_tag


def edit(xml, ops):
    parsing = ET.iterparse(io.BytesIO(b"".join(_chunks(io.BytesIO(xml.decode("utf-8", "replace").encode())))), ["start-ns"])
    for _, (prefix, uri) in parsing:
        # A tree keeps no prefixes; those registered here are used when it is written.
        ET.register_namespace(prefix, uri)
    root = parsing.root
    for op in ops:
        _OPERATIONS[op["op"]](root, op)
    return ET.tostring(root, "utf-8")


def stream(f, tag):
    parser = ET.XMLPullParser(["start", "end"])
    open_elements = []
    for chunk in _chunks(f):
        parser.feed(chunk)
        for event, element in parser.read_events():
            if event == "start":
                open_elements.append(element)
                continue
            open_elements.pop()
            if element.tag == tag:
                yield {**element.attrib, **{child.tag: child.text or "" for child in element}}
            # What is inside of an item is still needed; all else has had its use, whatever it is.
            if open_elements and not any(outer.tag == tag for outer in open_elements):
                open_elements[-1].remove(element)
    parser.close()


def _chunks(f):
    """The document in pieces. Raises ValueError in the place of the one in which an entity is declared."""
    guard = expat.ParserCreate()
    guard.EntityDeclHandler = _refuse
    begun = []
    guard.StartElementHandler = lambda name, attributes: begun.append(name)
    while chunk := f.read(CHUNK):
        if not begun:
            # Entities are declared before the first element or not at all.
            guard.Parse(chunk)
        yield chunk


def _refuse(name, *_):
    raise ValueError(f"the document declares an entity: {name}")


class _Statistics(ContentHandler):
    def __init__(self):
        super().__init__()
        self.by_tag = {}
        # The pieces of text of each open element, from the root on.
        self._texts = []

    def startElementNS(self, name, qname, attributes):
        self._texts.append([])

    def characters(self, content):
        self._texts[-1].append(content)

    def endElementNS(self, name, qname):
        uri, local = name
        of_tag = self.by_tag.setdefault(f"{{{uri}}}{local}" if uri else local, {"count": 0, "chars": 0, "depth": 0})
        of_tag["count"] += 1
        of_tag["depth"] = max(of_tag["depth"], len(self._texts))
        of_tag["chars"] += len("".join(self._texts.pop()).strip())


def _set(root, op):
    for element in root.findall(op["path"]):
        if "attribute" in op:
            element.set(op["attribute"], op["value"])
        else:
            element.text = op["text"]


def _remove(root, op):
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in root.findall(op["path"]):
        parent = parents[element]
        index = list(parent).index(element)
        _add_text(parent, index, element.tail or "")
        del parent[index]


def _add_text(parent, index, text):
    """Adds text in front of the child with that index."""
    if index == 0:
        parent.text = (parent.text or "") + text
    else:
        before = parent[index - 1]
        before.tail = (before.tail or "") + text


def _append(root, op):
    for element in root.findall(op["path"]):
        ET.SubElement(element, op["tag"], op.get("attributes", {})).text = op.get("text")


def _rename(root, op):
    for element in root.findall(op["path"]):
        element.tag = op["tag"]


_OPERATIONS = {"set": _set, "remove": _remove, "append": _append, "rename": _rename}
