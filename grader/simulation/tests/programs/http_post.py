import http.client, http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        numbers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(sum(numbers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

if sys.argv[1] == "server":
    http.server.HTTPServer(("", 8000), Handler).serve_forever()
else:
    connection = http.client.HTTPConnection("server", 8000, timeout=5)
    for numbers in [1, 2], list(range(100_000)):
        connection.request("POST", "/sum", json.dumps(numbers), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        print(answer.status, answer.read())
    connection.close()
