def run(module):
    return module.total([[1, 2], [3, 4]])
