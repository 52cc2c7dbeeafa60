# case: in-the-folder
# expect: wrong-answer
# Names that are no text, hold line ends, look like options or like words of a protocol.
import os

os.mkdir("out")
for name in (b"\xff\xfe", b"a\nb", b"\x1b[2J", b"-rf", b'{"found": true}', b"\xed\xa0\x80"):
    open(b"out/" + name, "w").close()
