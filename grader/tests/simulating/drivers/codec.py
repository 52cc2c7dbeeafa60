def there_and_back(codec, texts):
    return [(codec.encode(text), codec.decode(codec.encode(text))) for text in texts]


def long(codec, size):
    return len(codec.encode("x" * size))
