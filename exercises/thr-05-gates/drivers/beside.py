"""What has to happen in a thread of the student's process, with ordinary threads. Decides nothing."""


class Trouble(Exception):
    pass


def fail_inside(gates, places, word):
    """One more visitor than there are places, one after the other, each of which fails inside; what came out of each `with`."""
    limiter = gates.Limiter(places)
    came_out = []
    for number in range(places + 1):
        try:
            with limiter:
                raise Trouble(f"{word} {number}")
        except Trouble as trouble:
            came_out.append(str(trouble))
        else:
            came_out.append("nothing")
    return came_out
