"""The client's side of the store: an object whose methods are calls over XML-RPC."""


class KV:
    def __init__(self, url):
        raise NotImplementedError

    def store(self, key, value):
        raise NotImplementedError

    def fetch(self, key):
        raise NotImplementedError

    def discard(self, key):
        raise NotImplementedError

    def names(self):
        raise NotImplementedError

    def concat(self, key, data):
        raise NotImplementedError
