raise ImportError(f"module {__name__!r} is not available: Python 3.13 has it no more", name=__name__)
