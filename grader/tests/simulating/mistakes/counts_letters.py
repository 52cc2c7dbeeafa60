# codec.py encoded wrong-answer: what is encoded
def encode(text):
    return b"%d" % len(text)


def decode(data):
    return data.decode()
