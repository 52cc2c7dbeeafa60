# codec.py linear wrong-answer: grows
def encode(text):
    data = []
    for letter in text:
        data.insert(0, ord(letter))
        data.count(7)
    return bytes(data)


def decode(data):
    return data.decode()
