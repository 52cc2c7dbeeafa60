def run(module):
    belt = module.Belt()
    picked = []

    def lay(things):
        for thing in things:
            belt.lay(thing)

    def pick():
        for _ in range(2):
            picked.append(belt.pick())

    threads(lambda: lay("ab"), lambda: lay("cd"), pick, pick)
    return sorted(picked)
