raise ModuleNotFoundError(f"module {__name__!r} is not available: Python 3.13 no longer has it", name=__name__)
