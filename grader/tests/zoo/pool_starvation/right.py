from concurrent.futures import ThreadPoolExecutor


def total(groups):
    with ThreadPoolExecutor(6) as pool:

        def group(numbers):
            squares = [pool.submit(pow, number, 2) for number in numbers]
            return sum(square.result() for square in squares)

        sums = [pool.submit(group, numbers) for numbers in groups]
        return sum(result.result() for result in sums)
