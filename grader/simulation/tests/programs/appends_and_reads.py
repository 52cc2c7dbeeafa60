import os
import sys

os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
with open("log", "wb") as file:
    file.write(b"one\ntwo\n")
fd = os.open("log", os.O_RDWR | os.O_APPEND)
os.lseek(fd, 3, os.SEEK_SET)
print(os.read(fd, 2), os.write(fd, b"three\n"))
print(os.pread(fd, 100, 0))
os.close(fd)
for mode in ["a+b", "ab+", "a+"]:
    # Which encoding is the usual one depends on the locale.
    with open("log", mode, encoding=None if "b" in mode else "utf-8") as file:
        print(mode, file.tell())
        file.seek(0)
        print(file.tell(), repr(file.read()))
        file.write("x\n" if mode == "a+" else b"x\n")
        file.flush()
        file.seek(2)
        print(file.tell(), repr(file.read()))
print(file.name, file.mode, file.encoding)
with open("new", "a+b") as file:
    print(file.tell(), file.write(b"x" * 20000), file.mode, file.name)
    file.seek(19990)
    print(file.read(), file.truncate(5), file.tell())
    file.write(b"end")
print(open("new", "rb").read())
for mode in ["a+b", "a+", "aa+", "ax+", "a+bt", "+"]:
    try:
        open("nowhere/x", mode, encoding="utf-8")
    except OSError as error:
        print(mode, error.strerror, error.filename)
    except ValueError as error:
        print(mode, error)
