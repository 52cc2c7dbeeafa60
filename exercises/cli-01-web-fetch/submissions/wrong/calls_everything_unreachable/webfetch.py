"""Has one exception for whatever goes wrong."""
import gzip
import http.client
import json as json_format
import urllib.parse
import urllib.request


class HTTPFailure(Exception):
    """The server has answered with a status of 400 or more."""

    def __init__(self, response):
        super().__init__(f"{response.status} for {response.url}")
        self.response = response


class Unreachable(Exception):
    """No answer came."""


class Incomplete(Exception):
    """An answer came, but not all of it."""


class Response:
    def __init__(self, status, url, headers, body):
        self.status = status
        self.url = url
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode(self.headers.get_content_charset("utf-8"), errors="replace")

    def json(self):
        return json_format.loads(self.body)


class Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if code in (307, 308):
            return urllib.request.Request(newurl, req.data, req.headers, method=req.get_method())
        kept = {name: value for name, value in req.headers.items() if not name.lower().startswith("content-")}
        return urllib.request.Request(newurl, headers=kept, method="HEAD" if req.get_method() == "HEAD" else "GET")


opener = urllib.request.build_opener(Redirects)


def fetch(url, *, params=None, form=None, json=None, headers=None, method=None):
    """Performs one request, follows redirects and returns the Response."""
    request = make_request(url, params, form, json, headers, method)
    try:
        answer = opener.open(request)
        with answer:
            return Response(answer.status, answer.url, answer.headers, read_body(answer))
    except Exception as error:
        raise Unreachable(f"no answer from {url}: {error}") from error


def make_request(url, params, form, json, headers, method):
    if params:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params, doseq=True)
    sent, data = {"Accept-Encoding": "gzip"}, None
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        data = urllib.parse.urlencode(form, doseq=True).encode()
    elif json is not None:
        sent["Content-Type"] = "application/json"
        data = json_format.dumps(json).encode()
    request = urllib.request.Request(url, data, sent, method=method)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    return request


def read_body(answer):
    try:
        body = answer.read()
    except (OSError, http.client.IncompleteRead) as error:
        raise Incomplete(f"the answer from {answer.url} is cut off: {error}") from error
    if answer.headers.get("Content-Encoding", "").lower() == "gzip":
        body = gzip.decompress(body)
    return body
