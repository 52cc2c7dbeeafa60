# codec.py encoded runtime-error: takes and returns plain values
def encode(text):
    return text.encode()


def decode(data):
    return object()
