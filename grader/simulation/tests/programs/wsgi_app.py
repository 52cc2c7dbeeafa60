import sys, urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

def app(environ, start_response):
    setup_testing_defaults(environ)
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}\n".encode()]

class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

if sys.argv[1] == "server":
    with make_server("", 8000, validator(app), handler_class=Quiet) as server:
        server.serve_forever()
else:
    print(urllib.request.urlopen("http://server:8000/some/path").read().decode(), end="")
