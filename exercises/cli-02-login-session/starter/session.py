"""A session with one web site: cookies, forms, redirects and credentials."""
import urllib.request


class LoginFailed(Exception):
    """The site does not know this user and password."""


class TooManyRedirects(Exception):
    """The site sends us from page to page."""


class Page:
    """status, url and text."""


class Session:
    def __init__(self, base):
        self.base = base

    def get(self, path):
        with urllib.request.urlopen(self.base + path) as answer:
            answer.read()
        raise NotImplementedError

    def post(self, path, form):
        """Fetches the form at `path`, fills it in and sends it."""
        raise NotImplementedError

    def login(self, user, password):
        raise NotImplementedError

    def save(self, file):
        raise NotImplementedError

    def load(self, file):
        raise NotImplementedError

    def use_basic(self, user, password):
        raise NotImplementedError

    def use_digest(self, user, password):
        raise NotImplementedError
