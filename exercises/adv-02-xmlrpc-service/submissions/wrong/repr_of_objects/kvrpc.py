"""A store of named values, spoken to by XML-RPC: python3 kvrpc.py HOST PORT."""
import sys
from xmlrpc.client import Fault, dumps
from xmlrpc.server import SimpleXMLRPCServer

UNKNOWN_KEY = 404
BAD_VALUE = 400


class Store:
    def __init__(self):
        self.values = {}

    def store(self, key, value):
        carried(value)
        self.values[key] = value
        return True

    def fetch(self, key):
        return self.values[self.known(key)]

    def discard(self, key):
        del self.values[self.known(key)]
        return True

    def names(self):
        return sorted(self.values)

    def concat(self, key, data):
        old = self.values.get(key, b"")
        if not isinstance(old, bytes) or not isinstance(data, bytes):
            raise Fault(BAD_VALUE, "only binary data can be appended, and only to binary data")
        self.values[key] = old + data
        return len(self.values[key])

    def known(self, key):
        if key not in self.values:
            raise Fault(UNKNOWN_KEY, f"nothing is stored as {key}")
        return key


def carried(value):
    """A value that could come in may still be one that cannot go out again."""
    try:
        dumps((value,))
    except (OverflowError, TypeError) as error:
        raise Fault(BAD_VALUE, f"XML-RPC cannot carry this value: {error}") from error


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    store = Store()
    with SimpleXMLRPCServer((host, port), use_builtin_types=True) as server:
        # One by one: what is not registered cannot be reached, whatever its name.
        for method in (store.store, store.fetch, store.discard, store.names, store.concat):
            server.register_function(method)
        server.register_introspection_functions()
        server.register_multicall_functions()
        server.serve_forever()


if __name__ == "__main__":
    main()
