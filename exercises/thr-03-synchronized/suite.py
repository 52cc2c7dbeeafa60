"""Who is inside at the same time, under every schedule that a search of bounded size gets to.

In an explored scene each thread goes in and stays until nobody else can move (`settle` in drivers/rooms.py), so "at most one" and
"two together" are facts of every schedule and no matter of luck. What one thread shows by itself needs no search: drivers/beside.py.
"""


def excludes(exam):
    argument = exam.random.randrange(100)
    for doing, scene, given in (
        ("two threads call the same synchronized method of one object", "one_object", {"methods": ["one", "one"]}),
        ("two threads call two synchronized methods of one object", "one_object", {"methods": ["one", "two"]}),
        ("two threads call the same synchronized function", "one_function", {"argument": argument}),
    ):
        inside(exam, 1, doing, scene, **given)


def given_lock(exam):
    for doing, scene in (
        ("two threads call functions that are synchronized with {}", "lock_given"),
        ("two threads call methods of two objects, synchronized with an attribute that holds {}", "lock_of_an_attribute"),
    ):
        inside(exam, 1, doing.format("the same lock"), scene, same=True)
        inside(exam, 2, doing.format("a lock of its own each"), scene, same=False)


def re_entrant(exam):
    start = exam.random.randint(3, 9)
    with exam.during("a synchronized function that calls itself, and synchronized methods of one object that call each other"):
        down = list(range(start, -1, -1))
        exam.equal(exam.drive("drivers/beside.py:countdown", module="sync.py", start=start), [down, down], "what they return")
    doing = "two threads call a synchronized method that calls another one of the same object and then goes on"
    inside(exam, 1, doing, "stays_after_a_call_inside")


def per_instance(exam):
    inside(exam, 2, "two threads call the same synchronized method of two objects that compare equal", "two_objects")


def class_and_static(exam):
    argument = exam.random.randrange(100)
    one, two = exam.random.sample(["one", "two"], 2)
    for want, doing, scene, given in (
        (1, "two threads call two synchronized class methods of one class", "class_methods", {}),
        (2, "two threads call synchronized class methods of two classes", "two_classes", {}),
        (1, "two threads call the same synchronized static method", "static_methods", {"methods": [one, one], "argument": argument}),
        (2, "two threads call two synchronized static methods", "static_methods", {"methods": [one, two], "argument": argument}),
        (2, "two threads call two synchronized functions", "two_functions", {}),
    ):
        inside(exam, want, doing, scene, **given)


def metadata(exam):
    name, text = (f"{word}_{exam.random.randbytes(4).hex()}" for word in ("visit", "text"))
    rest = "first, second=2, *rest, flag=False, **more)"
    for form in ("@synchronized", "@synchronized(lock)", "@synchronized(attr=...)"):
        for at, want, message in (
            ("class", [name, text, f"(self, {rest}"], "its name, doc string and signature, looked up on the class"),
            ("object", [name, text, f"({rest}"], "its name, doc string and signature, looked up on an object"),
            ("calls", [[1, 2, [], False, {}], [1, 3, [4, 5], True, {"other": 6}], [7, 2, [], False, {}]], "what three calls return"),
        ):
            with exam.during(f"a method decorated with {form}"):
                seen = exam.drive("drivers/beside.py:looks", module="sync.py", form=form, name=name, text=text, at=at)
                exam.equal(seen, want, message)


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
            seen = exam.drive("drivers/beside.py:after_an_error", module="sync.py", what=what, label=label)
            exam.equal(seen, [f"Trouble {label}", None], "what each of the two threads met")


def rank_order(exam):
    inside(exam, 1, "two threads call acquiring(a, b) and acquiring(b, a)", "in_order", pairs=[[0, 1], [1, 0]])
    inside(exam, 1, "three threads call acquiring(a, b), acquiring(b, c) and acquiring(c, a)", "in_order", pairs=[[0, 1], [1, 2], [2, 0]])
    for _ in range(4):
        labels, order = list("abcd"), exam.random.sample(range(4), 4)
        want = [f"acquire {label}" for label in labels] + ["inside"] + [f"release {label}" for label in reversed(labels)]
        with exam.during(f"acquiring({', '.join(labels[index] for index in order)}) of locks that were made in the order a, b, c, d"):
            seen = exam.drive("drivers/beside.py:taken_and_given_back", module="sync.py", labels=labels, order=order)
            exam.equal(seen, want, "what happens")


def rank_violation(exam):
    for way in ("acquire()", "with", "acquiring", "acquiring, with a higher one", "@synchronized(lock)"):
        low, middle, high = labels = names(exam, 3)
        want = [
            *(f"acquire {middle}", "raised OrderError", f"release {middle}"),
            *(f"{done} {label}" for label in labels for done in ("acquire", "release")),
        ]
        doing = f"a thread holds {middle} and asks for {low} by {way}; then it lets go and takes each of them"
        with exam.during(f"locks made in the order {', '.join(labels)}: {doing}"):
            seen = exam.drive("drivers/beside.py:asked_while_holding", module="sync.py", labels=labels, way=way)
            exam.equal(seen, want, "what happens")
    with exam.during("a thread takes a lock while another thread holds one of higher rank"):
        exam.equal(exam.drive("drivers/beside.py:held_by_another", module="sync.py"), None, "what it raised")
    with exam.during("a thread takes the lowest and the highest of three locks and lets go of the lowest"):
        seen = exam.drive("drivers/beside.py:let_go_crosswise", module="sync.py")
        exam.equal(seen, ["OrderError", None, None], "what it raised to take the middle one; with none held, the middle one; the lowest")
    run = exam.explore("drivers/rooms.py:made_at_once", module="sync.py", schedules=100)
    with exam.during("two threads make a ranked lock at the same time; then one thread tries both orders of taking the two"):
        run.always(lambda seen: exam.equal(seen, [False, True], "which of the two orders raised OrderError"))


def partial_failure(exam):
    first, second, _ = labels = names(exam, 3)
    use = [f"acquire {first}", f"release {first}"]
    doing = f"acquiring({', '.join(labels)}), where {second} raises a Trouble; then this thread takes a lower lock, another one {first}"
    with exam.during(doing):
        seen = exam.drive("drivers/beside.py:second_one_fails", module="sync.py", labels=labels)
        exam.equal(seen, [*use, f"raised Trouble {second}", "acquire below", "release below", *use], "what happens")


def subclass_lock(exam):
    doing = "one thread calls a synchronized override, another thread a synchronized method that the object inherits"
    inside(exam, 1, doing, "base_and_override")
    inside(exam, 1, "two threads call methods of one object, one of them as Room.two(room)", "called_through_the_class")


def inside(exam, want, doing, scene, **arguments):
    """So many of the threads, and never more, are inside at the same time, under every schedule."""
    run = exam.explore(f"drivers/rooms.py:{scene}", module="sync.py", schedules=100, **arguments)
    with exam.during(doing):
        run.always(lambda seen: exam.equal(seen, want, "how many of them were inside at the same time"))


def names(exam, count):
    return [f"lock{number}" for number in exam.random.sample(range(100), count)]
