"""A session with a shop that is made here, and whose ledger tells what the client sent.

Cookies are judged by what comes back to the server, page by page, never by what the client keeps. No case waits for a cookie to expire:
dates lie far in the past or far ahead. Tokens, names and passwords are random. Credentials may be sent before or after they are asked
for, and a form's page may be fetched as often as a client likes; what counts is what arrives where.
"""

import html

from practicum import Raised
from practicum.fixtures import http

PORT = 8000
OTHER_HOST = "127.0.0.2"
PAST = "Thu, 01 Jan 1998 00:00:00 GMT"
AHEAD = "Fri, 01 Jan 2098 00:00:00 GMT"
YEAR_S = 365 * 24 * 3600
#: More requests than any client needs that is refused.
REFUSED_MAX = 10


def login(exam):
    shop = Shop(exam)
    session = new_session(exam)
    log_in(exam, shop, session)
    with exam.during("after login"):
        exam.equal(text_of(exam, session, "/home"), f"hello {shop.user}", "the text of /home")
    with exam.during("another session, which has not logged in"):
        stranger = new_session(exam)
        status_is(exam, stranger, "/home", 403)
    with exam.during("a wrong password"):
        exam.raises("LoginFailed", stranger.login, shop.user, shop.password + "x")


def cookie_path(exam):
    names = [word(exam) for _ in range(3)]
    pages = {
        "/start": http.Reply("ok", headers=[http.cookie(names[0], "1", path="/shop"), http.cookie(names[1], "1", path="/")]),
        "/account/enter": http.Reply("ok", headers=[http.cookie(names[2], "1")]),
    }
    site = site_of(exam, lambda request: pages.get(request.path, "ok"))
    session = new_session(exam)
    session.get("/start")
    session.get("/account/enter")
    everywhere, shop, account = {names[1]: "1"}, {names[0]: "1"}, {names[2]: "1"}
    wanted = {
        "/": everywhere,
        "/shop": everywhere | shop,
        "/shop/cart?n=1": everywhere | shop,
        "/shopping": everywhere,
        "/account/orders": everywhere | account,
        "/accounts": everywhere,
    }
    said = f"/start has set {names[0]} with Path=/shop and {names[1]} with Path=/, and /account/enter has set {names[2]} without a path"
    with exam.during(said):
        for path, cookies in wanted.items():
            session.get(path)
            exam.equal(last(site).cookies, cookies, f"the cookies that came with {path}")


def cookie_delete(exam):
    site = site_of(exam, {"/": "ok"})
    session = new_session(exam)

    def after(words, wanted, *cookies):
        site.pages["/set"] = http.Reply("ok", headers=cookies)
        with exam.during(words):
            session.get("/set")
            session.get("/")
            exam.equal(last(site).cookies, wanted, "the cookies that came with the next request")

    name, other, value = word(exam), word(exam), word(exam)
    after("the server sets two cookies", {name: value, other: "1"}, http.cookie(name, value), http.cookie(other, "1"))
    after("the server sets one of them again", {name: "new", other: "1"}, http.cookie(name, "new"))
    after("the server sets one of them with Max-Age=0", {other: "1"}, http.cookie(name, "", max_age=0))
    after(f"the server sets the other one with Expires={PAST}", {}, http.cookie(other, "", expires=PAST))
    after(f"the server sets a cookie with Expires={AHEAD}", {name: value}, http.cookie(name, value, expires=AHEAD))
    lives = http.cookie(name, value, expires=PAST, max_age=YEAR_S)
    after(f"the server sets it with Expires={PAST} and Max-Age={YEAR_S}, which counts", {name: value}, lives)
    dies = http.cookie(name, value, expires=AHEAD, max_age=0)
    after(f"the server sets it with Expires={AHEAD} and Max-Age=0, which counts", {}, dies)


def token_per_form(exam):
    shop = Shop(exam)
    session = new_session(exam)
    for number, path in enumerate(("/order", "/order", "/note"), 1):
        what = word(exam)
        with exam.during(f"form {number} of three, post({path!r}, {{'what': {what!r}}})"):
            page = session.post(path, {"what": what})
            refused = f" (the server says that {shop.refusals[-1]})" if shop.refusals else ""
            exam.equal(exam.get(page, "status"), 200, f"its status{refused}")
            exam.equal(exam.get(page, "text"), f"thanks for {what}", "its text")


def redirect_loop(exam):
    chain = {f"/{number}": http.redirect(f"/{number + 1}") for number in range(11)} | {"/11": "there", "/loop": http.redirect("/loop")}
    site = site_of(exam, chain)
    session = new_session(exam)
    with exam.during("ten redirects, one after another"):
        exam.equal(text_of(exam, session, "/1"), "there", "the text of the last page")
    for words, path in {"eleven redirects, one after another": "/0", "a page that redirects to itself": "/loop"}.items():
        before = len(site.requests)
        with exam.during(words):
            exam.raises("TooManyRedirects", session.get, path)
            sent = len(site.requests) - before
            assert sent <= 11, f"after the first request at most ten redirects are followed, but the server got {sent} requests"


def persist(exam):
    shop = Shop(exam)
    session = new_session(exam)
    log_in(exam, shop, session)
    session.get("/shop/enter")
    session.save("cookies.txt")
    kept = exam.read_file("cookies.txt")
    assert kept is not None, "save('cookies.txt') must write that file"
    assert shop.password.encode() not in kept, "the file that save() writes must not hold the password"
    exam.fresh()

    session = new_session(exam)
    with exam.during("a session in a second process, after load()"):
        session.load("cookies.txt")
        before = len(shop.site.requests)
        exam.equal(text_of(exam, session, "/home"), f"hello {shop.user}", "the text of /home")
        exam.equal([request.path for request in shop.site.requests[before:]], ["/home"], "the pages asked for")
        exam.equal("cart" in last(shop.site).cookies, False, "whether /home got the cookie that was set with Path=/shop")
        session.get("/shop/cart")
        came = last(shop.site).cookies.get("cart")
        exam.equal(came, shop.cart, "the cookie that was set with Path=/shop and a year to live, at /shop/cart")


def basic_401(exam):
    user, password = word(exam), f"{word(exam)}:ü {word(exam)}"
    guard = http.basic({user: password}, "inside")
    site = site_of(exam, {"/private": patient(guard), "/open": "for all"})
    session = new_session(exam)
    with exam.during("without use_basic"):
        status_is(exam, session, "/private", 401)
    with exam.during("after use_basic with a wrong password"):
        session = new_session(exam)
        session.use_basic(user, word(exam))
        before = len(site.requests)
        page = session.get("/private")
        sent = len(site.requests) - before
        assert sent <= REFUSED_MAX, f"the server refused the password, and yet got {sent} requests, more than {REFUSED_MAX}"
        exam.equal(exam.get(page, "status"), 401, "the status of /private")
    with exam.during("after use_basic"):
        session = new_session(exam)
        session.use_basic(user, password)
        got = session.get("/private")
        why = f" (the server says that {guard.refusals[-1]})" if exam.get(got, "status") == 401 else ""
        exam.equal(exam.get(got, "status"), 200, f"the status of /private{why}")
        exam.equal(exam.get(got, "text"), "inside", "the text of /private")
        exam.equal(text_of(exam, session, "/open"), "for all", "the text of /open")


def digest(exam):
    user, password = word(exam), word(exam)
    guard = http.digest({user: password}, "inside", realm=f"shop {word(exam)}", uses=2)
    beside = http.basic({user: password}, "inside")
    site = site_of(exam, {"/private": patient(guard), "/plain": beside})
    with exam.during("after use_digest"):
        session = new_session(exam)
        session.use_digest(user, password)
        for path in ("/private", "/private?page=2", "/private", "/private?page=4"):
            page = session.get(path)
            why = f" (the server says that {guard.refusals[-1]})" if exam.get(page, "status") == 401 else ""
            exam.equal(exam.get(page, "status"), 200, f"the status of {path}{why}")
            exam.equal(exam.get(page, "text"), "inside", f"the text of {path}")
    with exam.during("after use_digest, a page that asks for Basic"):
        session.get("/plain")
        sent = [value for request in site.requests for value in request.headers.get_all("Authorization")]
        exam.equal([value for value in sent if value.lower().startswith("basic")], [], "the Basic credentials that were sent")


def other_host(exam):
    user, password, token = word(exam), word(exam), word(exam)
    far = exam.http({"/page": http.redirect(f"http://127.0.0.1:{PORT}/back"), "/ask": patient(http.basic({}, ""))}, OTHER_HOST, PORT)
    away = {
        "/enter": http.Reply("ok", headers=[http.cookie("id", token, path="/")]),
        "/away": http.basic({user: password}, http.redirect(far.url("/page"))),
        "/ask": http.basic({user: password}, http.redirect(far.url("/ask"))),
        "/back": "home again",
    }
    site = site_of(exam, away)
    session = new_session(exam)
    session.get("/enter")
    session.use_basic(user, password)
    with exam.during(f"the session has a cookie and a password, and a page redirects to {OTHER_HOST}, which redirects back"):
        exam.equal(text_of(exam, session, "/away"), "home again", "the text of the last page")
        exam.equal(last(site).cookies, {"id": token}, "the cookies that came with the last page")
    with exam.during(f"a page redirects to {OTHER_HOST}, which asks for a password"):
        status_is(exam, session, "/ask", 401)
    carried = [(name, value) for request in far.requests for name, value in request.headers if name.lower() in ("cookie", "authorization")]
    assert far.requests, f"{OTHER_HOST} got no request"
    exam.equal(carried, [], f"cookies and credentials that came to {OTHER_HOST}")


def secure_flag(exam):
    secure, plain = word(exam), word(exam)
    cookies = [http.cookie(secure, "1", secure=True), http.cookie(plain, "1")]
    site = site_of(exam, {"/set": http.Reply("ok", headers=cookies), "/": "ok"})
    session = new_session(exam)
    session.get("/set")
    session.get("/")
    exam.equal(last(site).cookies, {plain: "1"}, f"the server has set {secure} with Secure and {plain} without; what came back by http")


class Shop:
    """Forms with a token that is good once, for its page and its visitor; a login, and what lies behind it."""

    def __init__(self, exam):
        self.exam = exam
        self.user, self.password, self.cart = word(exam), word(exam), word(exam)
        self.key = word(exam)
        # For each token that is good the page that it was given for, and the visitor.
        self.tokens = {}
        # Why forms were refused.
        self.refusals = []
        self.site = site_of(
            exam,
            {
                "GET /login": self.form,
                "POST /login": self.enter,
                "GET /order": self.form,
                "POST /order": self.take,
                "GET /note": self.form,
                "POST /note": self.take,
                "/home": self.home,
                "/shop/enter": http.Reply("welcome", headers=[http.cookie("cart", self.cart, path="/shop", max_age=YEAR_S)]),
            },
        )

    def form(self, request):
        visitor = request.cookies.get("visitor") or word(self.exam)
        token = word(self.exam)
        fields = f'<input type="hidden" name="token" value="{token}"><input type="hidden" name="page" value="{request.path}">'
        if request.path != "/login":
            # In short, with all that HTML allows.
            token = f'{token}&"<{word(self.exam)}'
            fields = f"<input type='hidden' value='{html.escape(token)}' name=token><INPUT value={request.path} name='page' TYPE=hidden />"
        self.tokens[token] = (request.path, visitor)
        form = f'<form method="post"><input type="text" name="what">{fields}<button>Send</button></form>'
        page = f"<!DOCTYPE html><html><body>{form}</body></html>"
        return http.Reply(page, headers=[("Content-Type", "text/html; charset=utf-8"), http.cookie("visitor", visitor, path="/")])

    def refused(self, request):
        """The reply to a form that is not as it must be, or None."""
        page, visitor = self.tokens.pop(request.field("token"), (None, None))
        if page is None:
            reason = f"its token {request.field('token')!r} is not one that the server gave and that was not used yet"
        elif page != request.path or request.field("page") != request.path:
            reason = "its hidden fields are those of another page"
        elif visitor != request.cookies.get("visitor"):
            reason = "the cookie that came with the form's page did not come back"
        else:
            return None
        self.refusals.append(reason)
        return http.Reply(reason, 403)

    def enter(self, request):
        refused = self.refused(request)
        if refused is not None:
            return refused
        if (request.field("user"), request.field("password")) != (self.user, self.password):
            self.refusals.append("the user or the password is wrong")
            return http.Reply(self.refusals[-1], 403)
        return http.redirect("/home", 303, [http.cookie("key", self.key, path="/")])

    def take(self, request):
        return self.refused(request) or f"thanks for {request.field('what')}"

    def home(self, request):
        if request.cookies.get("key") == self.key:
            return f"hello {self.user}"
        self.refusals.append("the cookie that came with the answer to the login form did not come back")
        return http.Reply("log in first", 403)


def site_of(exam, pages):
    return exam.http(pages, port=PORT)


def new_session(exam):
    return exam.load("session.py").Session(f"http://127.0.0.1:{PORT}")


def log_in(exam, shop, session):
    try:
        session.login(shop.user, shop.password)
    except Raised as raised:
        why = f" (the server says that {shop.refusals[-1]})" if shop.refusals else ""
        exam.fail(f"login with the right password must succeed, but raised {raised.said}{why}")


def status_is(exam, session, path, status):
    exam.equal(exam.get(session.get(path), "status"), status, f"the status of {path}")


def text_of(exam, session, path):
    return exam.get(session.get(path), "text")


def patient(guard):
    """A guard that gives up on a client that does not."""

    def page(request):
        reply = guard(request)
        return http.Reply("that is enough", 400) if len(guard.refusals) > 3 * REFUSED_MAX else reply

    return page


def last(site):
    """The request that came last."""
    assert site.requests, "the server got no request"
    return site.requests[-1]


def word(exam):
    return "w" + exam.random.randbytes(4).hex()
