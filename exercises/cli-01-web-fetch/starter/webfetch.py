"""A small web client on urllib.request."""
import urllib.request


class HTTPFailure(Exception):
    """The server has answered with a status of 400 or more; `response` is what it said."""


class Unreachable(Exception):
    """No answer came."""


class Incomplete(Exception):
    """An answer came, but not all of it."""


class Response:
    """status, url, headers, body, text and json()."""


def fetch(url, *, params=None, form=None, json=None, headers=None, method=None):
    """Performs one request, follows redirects and returns the Response."""
    with urllib.request.urlopen(url) as answer:
        answer.read()
    raise NotImplementedError
