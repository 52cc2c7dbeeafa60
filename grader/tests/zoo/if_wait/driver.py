def run(module):
    box = module.Mailbox()
    fetched = []

    def fetch():
        fetched.append(box.fetch())

    def post():
        for letter in "ab":
            box.post(letter)

    threads(fetch, fetch, post)
    return sorted(fetched)
