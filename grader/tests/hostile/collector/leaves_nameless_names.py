# reads: result nothing
# Names of bytes that are no text, of the greatest length, of control characters: none is looked for.
import errno

from attack import contained

for name in (b"\xff\xfe", b"x" * 255, b"\x1b[2J", b"-rf", b"result\n", b"result ", b".result", b"..."):
    open(b"/work/" + name, "w").close()
try:
    open(b"/work/" + b"x" * 256, "w")
except OSError as error:
    assert error.errno == errno.ENAMETOOLONG
contained()
