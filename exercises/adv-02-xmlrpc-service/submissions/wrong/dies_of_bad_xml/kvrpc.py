"""Ends at the first request that it cannot read."""
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from xmlrpc.client import Fault, dumps, loads

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


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        params, method = loads(self.rfile.read(int(self.headers["Content-Length"])), use_builtin_types=True)
        body = dumps(self.answer(method, params), methodresponse=True).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, method, params):
        try:
            return (self.server.methods[method](*params),)
        except Fault as fault:
            return fault
        except Exception as error:
            return Fault(1, str(error))


def listed(methods):
    return sorted(methods)


def multicall(methods, calls):
    results = []
    for call in calls:
        try:
            results.append([methods[call["methodName"]](*call["params"])])
        except Fault as fault:
            results.append({"faultCode": fault.faultCode, "faultString": fault.faultString})
    return results


def die(server, request, client_address):
    raise


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    store = Store()
    methods = {method.__name__: method for method in (store.store, store.fetch, store.discard, store.names, store.concat)}
    methods["system.listMethods"] = partial(listed, methods)
    methods["system.multicall"] = partial(multicall, methods)
    HTTPServer.handle_error = die
    with HTTPServer((host, port), Handler) as server:
        server.methods = methods
        server.serve_forever()


if __name__ == "__main__":
    main()
