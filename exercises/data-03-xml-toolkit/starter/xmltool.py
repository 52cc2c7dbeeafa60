"""Three interfaces to XML: events, a tree, and a tree that is thrown away while it grows."""


def sax_stats(f):
    raise NotImplementedError


def edit(xml, ops):
    raise NotImplementedError


def stream(f, tag):
    raise NotImplementedError
