def run(module):
    gate = module.Gate()
    passed = []

    def visitor():
        gate.pass_through()
        passed.append(1)

    threads(visitor, visitor, gate.open)
    return len(passed)
