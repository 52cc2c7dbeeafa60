def run(module):
    return module.collect(3)
