"""Looks for cookies only where the way ends."""
import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request

REDIRECTS = (301, 302, 303, 307, 308)


class LoginFailed(Exception):
    """The site does not know this user and password."""


class TooManyRedirects(Exception):
    """The site sends us from page to page."""


class Page:
    def __init__(self, status, url, text):
        self.status = status
        self.url = url
        self.text = text


class HiddenFields(html.parser.HTMLParser):
    """Collects the hidden fields of a page."""

    def __init__(self, text):
        super().__init__()
        self.fields = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "input" and attrs.get("type", "").lower() == "hidden":
            self.fields[attrs["name"]] = attrs.get("value", "")


class Cookies(urllib.request.HTTPCookieProcessor):
    def http_response(self, request, response):
        return response if response.status in REDIRECTS else super().http_response(request, response)


class Session:
    def __init__(self, base):
        self.base = base
        self.cookies = http.cookiejar.LWPCookieJar()
        self.opener = urllib.request.build_opener(Cookies(self.cookies))

    def get(self, path):
        return self.send(urllib.request.Request(self.base + path))

    def post(self, path, form):
        """Fetches the form at `path`, fills it in and sends it."""
        fields = HiddenFields(self.get(path).text).fields | form
        return self.send(urllib.request.Request(self.base + path, urllib.parse.urlencode(fields).encode()))

    def login(self, user, password):
        page = self.post("/login", {"user": user, "password": password})
        if page.status >= 400:
            raise LoginFailed(f"{page.status} for {user}")

    def save(self, file):
        self.cookies.save(file, ignore_discard=True)

    def load(self, file):
        self.cookies.load(file, ignore_discard=True)

    def use_basic(self, user, password):
        self.opener.add_handler(urllib.request.HTTPBasicAuthHandler(self.for_this_site(user, password)))

    def use_digest(self, user, password):
        self.opener.add_handler(urllib.request.HTTPDigestAuthHandler(self.for_this_site(user, password)))

    def for_this_site(self, user, password):
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, self.base, user, password)
        return passwords

    def send(self, request):
        try:
            answer = self.opener.open(request)
        except urllib.error.HTTPError as error:
            if error.code in REDIRECTS:
                raise TooManyRedirects(error.url) from None
            answer = error
        with answer:
            return Page(answer.status, answer.url, answer.read().decode())
