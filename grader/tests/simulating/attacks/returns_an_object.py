# codec.py encoded runtime-error: takes and returns plain values
def encode(text):
    return object()


def decode(data):
    return data.decode()
