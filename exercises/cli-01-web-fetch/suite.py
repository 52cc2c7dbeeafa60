"""A web client against a site whose every reply is chosen here.

What the client sent is read from the site's ledger, never from what the client says of it. Where HTTP leaves a choice (a blank in a form as
`+` or `%20`, the case of a header's name, the order of headers) every choice passes, because the ledger decodes what came. Each case
is about one side of the work and lenient in the rest: bodies are plain ASCII with their true length, unless the case is about bodies.
"""

import json

from practicum import Raised
from practicum.fixtures import http

#: Characters that mean something in a URL or a form, and some of two to four bytes in UTF-8.
ALPHABET = "aZ9 &=+%/?#;ä€漢😀"
NAMES = ["q", "straße", "a b", "x&y", "1+1", "päge"]
CHARSETS = ["iso-8859-1", "koi8-r", "iso-8859-15", "cp1252", "utf-16"]
TEXTS = {"iso-8859-1": "Größe £5", "koi8-r": "Привет", "iso-8859-15": "5 € für Zoë", "cp1252": "„€“ – ñ", "utf-16": "漢字 Ж 😀"}


def query(exam):
    site = site_of(exam, lambda request: "found")
    wanted = {name: text(exam) for name in exam.random.sample(NAMES, 3)}
    with exam.during(f"params={wanted!r}"):
        fetch(exam, site.url("/find"), params=wanted)
        exam.equal(sent_query(site), {name: [value] for name, value in wanted.items()}, "the query that the server read")
        exam.equal(last(site).path, "/find", "the path that the server read")
    several = {"tag": [text(exam) for _ in range(3)], "page": exam.random.randrange(100)}
    with exam.during(f"params={several!r}"):
        fetch(exam, site.url("/find"), params=several)
        exam.equal(sent_query(site), {"tag": several["tag"], "page": [str(several["page"])]}, "the query that the server read")
    token = word(exam)
    with exam.during(f"a URL that ends with ?old={token}, and params={wanted!r}"):
        fetch(exam, site.url(f"/find?old={token}"), params=wanted)
        whole = {"old": [token], **{name: [value] for name, value in wanted.items()}}
        exam.equal(sent_query(site), whole, "the query that the server read")


def form(exam):
    site = site_of(exam, {"POST /form": "thanks"})
    filled = {name: text(exam) for name in exam.random.sample(NAMES, 3)} | {"tag": [text(exam), text(exam)]}
    with exam.during(f"form={filled!r}"):
        fetch(exam, site.url("/form"), form=filled)
        whole = {name: value if isinstance(value, list) else [value] for name, value in filled.items()}
        sent_as(exam, site, "POST", "application/x-www-form-urlencoded")
        exam.equal(last(site).form, whole, "the form that the server read")
    with exam.during("form={}"):
        fetch(exam, site.url("/form"), form={})
        sent_as(exam, site, "POST", "application/x-www-form-urlencoded")
        exam.equal(last(site).body, b"", "the body of an empty form")


def json_post(exam):
    site = site_of(exam, {"POST /items": lambda request: http.Reply(request.body, 201, {"Content-Type": "application/json"})})
    for value in ({"name": text(exam), "list": [1, 2.5, None, True, {"a": word(exam)}]}, [], 0):
        with exam.during(f"json={value!r}"):
            response = fetch(exam, site.url("/items"), json=value)
            sent_as(exam, site, "POST", "application/json")
            exam.equal(last(site).json(), value, "the JSON that the server read")
            exam.equal(exam.get(response, "status"), 201, "the status")
            exam.equal(response.json(), value, "response.json()")


def method_headers(exam):
    first, second = word(exam), word(exam)
    site = site_of(exam, lambda request: http.Reply("done", 200, [("X-Token", first), ("Set-Cookie", first), ("Set-Cookie", second)]))
    with exam.during('method="PUT" with json='):
        fetch(exam, site.url("/item"), method="PUT", json={"a": first})
        sent_as(exam, site, "PUT", "application/json")
        exam.equal(last(site).json(), {"a": first}, "the JSON that the server read")
    with exam.during('method="DELETE"'):
        fetch(exam, site.url("/item"), method="DELETE")
        sent_as(exam, site, "DELETE")
        exam.equal(last(site).body, b"", "the body")
    kind = f"application/vnd.{second}+json"
    with exam.during(f"json= with headers={{'X-Trace': {first!r}, 'Content-Type': {kind!r}}}"):
        response = fetch(exam, site.url("/item"), json=[first], headers={"X-Trace": first, "Content-Type": kind})
        sent_as(exam, site, "POST", kind)
        exam.equal(last(site).headers.get_all("X-Trace"), [first], "the X-Trace headers that the server read")
    with exam.during("a response with one X-Token header and two Set-Cookie headers"):
        headers = exam.get(response, "headers")
        for name in ("X-Token", "x-token"):
            exam.get(headers, "get")
            exam.equal(headers.get(name), first, f"response.headers.get({name!r})")
        exam.get(headers, "get_all")
        exam.equal(headers.get_all("set-cookie"), [first, second], "response.headers.get_all('set-cookie')")


def charset(exam):
    name = exam.random.choice(CHARSETS)
    words = f"{TEXTS[name]} {word(exam)}"
    kinds = {
        f"text/plain; charset={name}": name,
        f'text/html; Charset="{name.upper()}"; x=y': name,
        "text/plain; charset=utf-8": "utf-8",
        "text/plain": "utf-8",
        None: "utf-8",
    }
    pages = {
        f"/{number}": http.Reply(words.encode(encoding), headers=[("Content-Type", kind)] if kind else [])
        for number, (kind, encoding) in enumerate(kinds.items())
    }
    site = site_of(exam, pages)
    for path, (kind, encoding) in zip(pages, kinds.items()):
        with exam.during(f"the body is {words!r} in {encoding}, with {f'Content-Type: {kind}' if kind else 'no Content-Type'}"):
            response = fetch(exam, site.url(path))
            exam.equal(exam.get(response, "body"), words.encode(encoding), "response.body")
            exam.equal(exam.get(response, "text"), words, "response.text")


def error_body(exam):
    reason = {"error": word(exam)}
    body = json.dumps(reason).encode()
    headers = [("Content-Type", "application/json"), ("X-Trace", reason["error"])]
    statuses = (404, 422, 500)
    site = site_of(exam, {f"/{status}": http.Reply(body, status, headers) for status in statuses})
    for status in statuses:
        with exam.during(f"the server answers {status} with the body {body.decode()}"):
            response = failure(exam, site.url(f"/{status}"))
            exam.equal(exam.get(response, "status"), status, "failure.response.status")
            exam.equal(exam.get(response, "body"), body, "failure.response.body")
            exam.equal(response.json(), reason, "failure.response.json()")
            headers = exam.get(response, "headers")
            exam.get(headers, "get")
            exam.equal(headers.get("x-trace"), reason["error"], "failure.response.headers.get('x-trace')")


def refused_vs_404(exam):
    site = site_of(exam, {"/silent": http.Reply(raw=b""), "/secret": http.Reply("no", 403)})
    gone = site_of(exam, {}, port=8001)
    gone.close()
    webfetch = exam.load("webfetch.py")
    answered = {"404": site.url("/nowhere"), "403": site.url("/secret")}
    unanswered = {
        "nobody listens on that port": gone.url(),
        "the name is known to nobody": "http://nobody.test:8000/",
        "the server closes the connection without a word": site.url("/silent"),
    }
    for status, url in answered.items():
        with exam.during(f"the server answers {status}"):
            raises_only(exam, "HTTPFailure", webfetch.fetch, url)
    for why, url in unanswered.items():
        with exam.during(why):
            raises_only(exam, "Unreachable", webfetch.fetch, url)


def redirect_method(exam):
    token = word(exam)
    site = site_of(exam, 
        {
            "/see": http.redirect("/result", 303),
            "/moved": http.redirect("/deep/once", 301),
            "/deep/once": http.redirect("twice?n=1", 302),
            "/same": http.redirect("/target", 307),
            "/for-ever": http.redirect("/target", 308),
            "/result": token,
            "/deep/twice": token,
            "/target": token,
        }
    )
    with exam.during("a GET is answered by 301, and then by 302 with a relative Location"):
        redirected(exam, site, "/moved", "/deep/twice?n=1", token)
    with exam.during("a POST is answered by 303"):
        redirected(exam, site, "/see", "/result", token, form={"a": token})
        sent_as(exam, site, "GET")
        exam.equal(last(site).body, b"", "the body of the second request")
    with exam.during("a POST is answered by 307"):
        redirected(exam, site, "/same", "/target", token, form={"a": token})
        sent_as(exam, site, "POST", "application/x-www-form-urlencoded")
        exam.equal(last(site).form, {"a": [token]}, "the form of the second request")
    with exam.during("a PUT is answered by 308"):
        redirected(exam, site, "/for-ever", "/target", token, method="PUT", json=[token])
        sent_as(exam, site, "PUT", "application/json")
        exam.equal(last(site).json(), [token], "the JSON of the second request")


def short_body(exam):
    body = exam.random.randbytes(200)
    missing = exam.random.randint(1, 100)
    cut_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc8\r\n" + body + b"\r\n"
    site = site_of(exam, 
        {
            "/cut": http.Reply(body, announced=len(body) + missing),
            "/cut-chunks": http.Reply(raw=cut_chunk),
            "/whole-chunks": http.Reply(chunks=[body[:50], body[50:]]),
            "/to-the-end": http.Reply(body, announced=None),
        }
    )
    webfetch = exam.load("webfetch.py")
    with exam.during(f"the server announces {len(body) + missing} bytes and closes after {len(body)}"):
        raises_only(exam, "Incomplete", webfetch.fetch, site.url("/cut"))
    with exam.during("the connection ends before the last chunk of a chunked body"):
        raises_only(exam, "Incomplete", webfetch.fetch, site.url("/cut-chunks"))
    with exam.during("a chunked body with its last chunk is whole"):
        exam.equal(exam.get(webfetch.fetch(site.url("/whole-chunks")), "body"), body, "response.body")
    with exam.during("a body without a length is whole when the server ends the connection"):
        exam.equal(exam.get(webfetch.fetch(site.url("/to-the-end")), "body"), body, "response.body")


def gzip(exam):
    words = " ".join(word(exam) for _ in range(100))
    site = site_of(exam, {"/packed": http.Reply(words, gzip=True), "/plain": words, "/error": http.Reply(words, 404, gzip=True)})
    for path in ("/packed", "/plain"):
        with exam.during("the body comes with Content-Encoding: gzip" if path == "/packed" else "the body comes as it is"):
            response = fetch(exam, site.url(path))
            exam.equal(exam.get(response, "body"), words.encode(), "response.body")
            exam.equal(exam.get(response, "text"), words, "response.text")
    asked = ", ".join(last(site).headers.get_all("Accept-Encoding"))
    assert "gzip" in asked.lower(), f"the request must say that gzip is welcome, but its Accept-Encoding was {asked!r}"
    with exam.during("the body of a 404 comes with Content-Encoding: gzip"):
        exam.equal(exam.get(failure(exam, site.url("/error")), "body"), words.encode(), "failure.response.body")


def site_of(exam, pages, port=8000):
    return exam.http(pages, port=port)


def fetch(exam, url, **options):
    """An exchange that must succeed."""
    response = exam.load("webfetch.py").fetch(url, **options)
    status = exam.get(response, "status")
    assert status in (200, 201), f"response.status is {status!r}, but the server answered 200 or 201"
    return response


def failure(exam, url):
    """The response of the HTTPFailure that must come."""
    try:
        seen = exam.drive("drivers/beside.py:failure", module="webfetch.py", url=url)
    except Raised as raised:
        exam.fail(f"fetch must raise HTTPFailure, but raised {raised.said}")
    assert isinstance(seen, dict) and seen.get("raised") is True, "fetch must raise HTTPFailure, but it returned"
    return seen.get("response")


def raises_only(exam, name, method, *arguments):
    """The three kinds of failure can be told apart: none of them is a kind of another."""
    raised = exam.raises(name, method, *arguments)
    others = {"HTTPFailure", "Unreachable", "Incomplete"} - {name}
    also = others.intersection(raised.bases)
    assert not also, f"{raised.type} must not be a subclass of {min(also)}: whoever catches the one would catch the other"


def last(site):
    """The request that came last."""
    assert site.requests, "the server got no request"
    return site.requests[-1]


def sent_query(site):
    request = last(site)
    assert request.malformed is None, f"the server cannot read the request: {request.malformed}"
    return request.query


def sent_as(exam, site, method, kind=None):
    """Method and media type of what the server got last."""
    request = last(site)
    exam.equal(request.method, method, "the method that the server read")
    if kind is not None:
        kinds = [value.partition(";")[0].strip().lower() for value in request.headers.get_all("Content-Type")]
        exam.equal(kinds, [kind], "the Content-Type headers that the server read")


def redirected(exam, site, path, target, token, **options):
    response = fetch(exam, site.url(path), **options)
    exam.equal(exam.get(response, "body"), token.encode(), "response.body")
    exam.equal(exam.get(response, "url"), site.url(target), "response.url")


def word(exam):
    return exam.random.randbytes(4).hex()


def text(exam):
    return "".join(exam.random.sample(ALPHABET, 8)) + word(exam)
