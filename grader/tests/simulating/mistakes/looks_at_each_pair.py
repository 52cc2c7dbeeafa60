# codec.py linear wrong-answer: grows
def encode(text):
    data = b""
    for letter in text:
        data = data + letter.encode()
        data.count(b"y")
    return data


def decode(data):
    return data.decode()
