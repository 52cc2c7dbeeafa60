"""Files for the student's functions, and those who take what a stream yields. Decides nothing."""

import io
import itertools


def stats(module, xml):
    return module.sax_stats(io.BytesIO(xml))


def items(module, xml, tag):
    return list(module.stream(io.BytesIO(xml), tag))


def reader(module, sock, tag=None):
    return Reader(module, sock, tag)


class Reader:
    """Calls the functions with a file that is the end of a connection: it gives what has come, and then waits for more."""

    def __init__(self, module, sock, tag=None):
        self._module = module
        self._file = sock.makefile("rb")
        self._tag = tag
        self._items = None

    def stats(self):
        return self._module.sax_stats(self._file)

    def take(self, number):
        """The next items, or as many as there are."""
        return list(itertools.islice(self._begun(), number))

    def rest(self):
        return list(self._begun())

    def totals(self, name, every):
        """How many items there are, the sum of the numbers that they have under that name, and some of them."""
        count = total = 0
        some = []
        for item in self._begun():
            if count % every == 0:
                some.append(item)
            count += 1
            total += int(item[name])
        return {"count": count, "total": total, "some": some}

    def _begun(self):
        if self._items is None:
            self._items = iter(self._module.stream(self._file, self._tag))
        return self._items
