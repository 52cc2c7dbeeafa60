# codec.py encoded runtime-error: ZeroDivisionError
def encode(text):
    return text.encode() + b"x" * (1 // 0)


def decode(data):
    return data.decode()
