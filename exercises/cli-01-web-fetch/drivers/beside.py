"""What a suite cannot see from outside: the response that an exception carries."""


def failure(webfetch, url):
    """The response of the HTTPFailure that fetch(url) raises, or what it returned instead."""
    try:
        answer = webfetch.fetch(url)
    except webfetch.HTTPFailure as failure:
        return {"raised": True, "response": failure.response}
    return {"raised": False, "response": answer}
