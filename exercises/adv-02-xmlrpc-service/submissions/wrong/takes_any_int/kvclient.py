"""The client's side of the store: an object whose methods are calls over XML-RPC."""
from contextlib import contextmanager
from xmlrpc.client import Fault, ServerProxy

UNKNOWN_KEY = 404


class KV:
    def __init__(self, url):
        # One proxy, and so one connection, for all calls. Its answers are bytes and datetime, not Binary and DateTime.
        self._server = ServerProxy(url, use_builtin_types=True)

    def store(self, key, value):
        self._server.store(key, value)

    def fetch(self, key):
        with known(key):
            return self._server.fetch(key)

    def discard(self, key):
        with known(key):
            self._server.discard(key)

    def names(self):
        return self._server.names()

    def concat(self, key, data):
        return self._server.concat(key, data)


@contextmanager
def known(key):
    """Tells of an unknown key as a dict would."""
    try:
        yield
    except Fault as fault:
        if fault.faultCode == UNKNOWN_KEY:
            raise KeyError(key) from fault
        raise
