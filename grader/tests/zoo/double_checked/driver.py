def run(module):
    settings = threads(module.Settings.get, module.Settings.get, module.Settings.get)
    return module.Settings.read, len(set(map(id, settings)))
