# codec.py encoded runtime-error: RecursionError
def encode(text):
    return encode(text)


def decode(data):
    return data.decode()
