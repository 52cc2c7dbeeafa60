# runtime-error: AttributeError
def add():
    pass
