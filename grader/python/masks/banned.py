raise ModuleNotFoundError(f"module {__name__!r} is not available in this exercise: see its statement", name=__name__)
