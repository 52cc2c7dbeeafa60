def run(module):
    visits = module.Visits()

    def browse():
        for _ in range(5):
            visits.visit()

    threads(browse, browse)
    return visits.total
