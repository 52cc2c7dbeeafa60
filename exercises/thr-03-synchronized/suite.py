"""Who is inside at the same time, under every schedule that a search of bounded size gets to.

In the scenes of drivers/rooms.py each thread goes in and stays until whoever may come in has come in, so "at most one" and "two together"
are facts of every schedule and no matter of luck. What one thread shows by itself, in drivers/beside.py, needs no search; it is run under
a scheduler all the same, where a program that sleeps loses no time.
"""


def excludes(exam):
    for doing, scene, given in (
        ("two threads call the same synchronized method of one object", "one_object", {"methods": ["one", "one"]}),
        ("two threads call two synchronized methods of one object", "one_object", {"methods": ["one", "two"]}),
        ("one thread calls a synchronized method twice, another one calls it once, on one object", "one_object_again", {}),
        ("two threads call the same synchronized function", "one_function", {}),
    ):
        inside(exam, 1, doing, scene, **given)


def given_lock(exam):
    for doing, scene in (
        ("two threads call functions that are synchronized with {}", "lock_given"),
        ("two threads call methods of two objects, synchronized with an attribute that holds {}", "lock_of_an_attribute"),
    ):
        inside(exam, 1, doing.format("the same lock"), scene, same=True)
        inside(exam, 2, doing.format("a lock of its own each"), scene, same=False)
    first, second, third = labels = names(exam, 3)
    doing = f"three calls of a method synchronized with an attribute: it holds {first}; {second}; {second} again, and {third} is put there inside"
    want = [word for label in (first, second, second) for word in (f"acquire {label}", "inside", f"release {label}")]
    with exam.during(doing):
        alone(exam, want, "what happens", "doors_changed", labels=labels)


def re_entrant(exam):
    start = exam.random.randint(3, 9)
    with exam.during("a synchronized function that calls itself, and synchronized methods of one object that call each other"):
        down = list(range(start, -1, -1))
        alone(exam, [down, down], "what they return", "countdown", start=start)
    doing = "two threads call a synchronized method that calls another one of the same object and then goes on"
    inside(exam, 1, doing, "stays_after_a_call_inside")


def per_instance(exam):
    inside(exam, 2, "two threads call the same synchronized method of two objects that compare equal", "two_objects")


def class_and_static(exam):
    one, two = exam.random.sample(["one", "two"], 2)
    for want, doing, scene, given in (
        (1, "two threads call two synchronized class methods of one class", "class_methods", {"first": False}),
        (1, "two threads call two synchronized class methods, the first calls of all", "class_methods", {"first": True}),
        (2, "two threads call synchronized class methods of two classes", "two_classes", {}),
        (2, "two threads call a synchronized class method, one of the class, the other of a subclass", "class_and_subclass", {}),
        (1, "two threads call the same synchronized static method", "static_methods", {"methods": [one, one]}),
        (2, "two threads call two synchronized static methods", "static_methods", {"methods": [one, two]}),
        (2, "two threads call two synchronized functions", "two_functions", {}),
    ):
        inside(exam, want, doing, scene, **given)


def metadata(exam):
    name, text = (f"{word}_{exam.random.randbytes(4).hex()}" for word in ("visit", "text"))
    rest = "first, second=2, *rest, flag=False, **more)"
    calls = [[1, 2, [], False, {}], [1, 3, [4, 5], True, {"other": 6}], [7, 2, [], False, {}]]
    for what in (
        "a method decorated with @synchronized",
        "a method decorated with @synchronized(lock)",
        "a method decorated with @synchronized(attr=...)",
        "a class method decorated with @synchronized",
        "a static method decorated with @synchronized",
    ):
        on_the_class = f"(self, {rest}" if what.startswith("a method") else f"({rest}"
        want = [[name, text, on_the_class], [name, text, f"({rest}"], calls]
        run = exam.explore("drivers/beside.py:looks", module="sync.py", schedules=1, what=what, name=name, text=text)
        with exam.during(what):
            run.always(lambda seen: looks_alike(exam, seen, want))


def looks_alike(exam, seen, wanted):
    looked = "its name, doc string and signature, looked up on"
    seen = seen if isinstance(seen, list) and len(seen) == len(wanted) else [seen] * len(wanted)
    for got, want, message in zip(seen, wanted, (f"{looked} the class", f"{looked} an object", "what three calls return")):
        exam.equal(got, want, message)


def error_releases(exam):
    for what in (
        "a synchronized method",
        "a synchronized function",
        "a function synchronized with a lock",
        "a method synchronized with an attribute",
        "a with acquiring(...) block",
    ):
        label = exam.random.randbytes(4).hex()
        with exam.during(f"{what} raises a Trouble, then another thread goes in"):
            alone(exam, [f"Trouble {label}", None], "what each of the two threads met", "after_an_error", what=what, label=label)


def rank_order(exam):
    inside(exam, 1, "two threads call acquiring(a, b) and acquiring(b, a)", "in_order", pairs=[[0, 1], [1, 0]])
    inside(exam, 1, "three threads call acquiring(a, b), acquiring(b, c) and acquiring(c, a)", "in_order", pairs=[[0, 1], [1, 2], [2, 0]])
    for number in (4, 4, 4, 1, 0):
        labels, order = list("abcd")[:number], exam.random.sample(range(number), number)
        want = [f"acquire {label}" for label in labels] + ["inside"] + [f"release {label}" for label in reversed(labels)]
        with exam.during(f"acquiring({', '.join(labels[index] for index in order)}) of locks that were made in the order a, b, c, d"):
            alone(exam, want, "what happens", "taken_and_given_back", labels=labels, order=order)


def rank_violation(exam):
    for way in ("acquire()", "with", "acquiring", "acquiring, with a higher one", "@synchronized(lock)"):
        low, middle, high = labels = names(exam, 3)
        want = [
            *(f"acquire {middle}", "raised OrderError", f"release {middle}"),
            *(f"{done} {label}" for label in labels for done in ("acquire", "release")),
        ]
        doing = f"a thread holds {middle} and asks for {low} by {way}; then it lets go and takes each of them"
        with exam.during(f"locks made in the order {', '.join(labels)}: {doing}"):
            alone(exam, want, "what happens", "asked_while_holding", labels=labels, way=way)
    with exam.during("a thread takes a lock while another thread holds one of higher rank"):
        alone(exam, None, "what it raised", "held_by_another")
    with exam.during("a thread takes the lowest and the highest of three locks and lets go of the lowest"):
        message = "what it raised to take the middle one; with none held, the middle one; the lowest"
        alone(exam, ["OrderError", None, None], message, "let_go_crosswise")
    run = exam.explore("drivers/rooms.py:made_at_once", module="sync.py", schedules=100)
    with exam.during("two threads make a ranked lock at the same time; then one thread tries both orders of taking the two"):
        run.always(lambda seen: exam.equal(seen, [False, True], "which of the two orders raised OrderError"))


def partial_failure(exam):
    first, second, _ = labels = names(exam, 3)
    use = [f"acquire {first}", f"release {first}"]
    doing = f"acquiring({', '.join(labels)}), where {second} raises a Trouble; then this thread takes a lower lock, another one {first}"
    with exam.during(doing):
        want = [*use, f"raised Trouble {second}", "acquire below", "release below", *use]
        alone(exam, want, "what happens", "second_one_fails", labels=labels)


def subclass_lock(exam):
    doing = "one thread calls a synchronized override, another thread a synchronized method that the object inherits"
    inside(exam, 1, doing, "base_and_override")
    inside(exam, 1, "two threads call methods of one object, one of them as Room.two(room)", "called_through_the_class")


def inside(exam, want, doing, scene, **arguments):
    """So many of the threads, and never more, are inside at the same time, under every schedule."""
    run = exam.explore(f"drivers/rooms.py:{scene}", module="sync.py", schedules=100, together=want, **arguments)
    with exam.during(doing):
        run.always(lambda seen: exam.equal(seen, want, "how many of them were inside at the same time"))


def alone(exam, want, message, scene, **arguments):
    """What a scene in which threads do not meet comes to."""
    run = exam.explore(f"drivers/beside.py:{scene}", module="sync.py", schedules=1, **arguments)
    run.always(lambda seen: exam.equal(seen, want, message))


def names(exam, count):
    return [f"lock{number}" for number in exam.random.sample(range(100), count)]
