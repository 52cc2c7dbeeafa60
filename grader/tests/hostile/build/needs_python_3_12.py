# expect: build-error build-error
def double[T](number: T) -> T:
    return 2 * number
