def run(module):
    return module.work(3)
