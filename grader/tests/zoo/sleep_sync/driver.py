def run(module):
    return module.square(7)
