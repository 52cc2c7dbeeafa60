# Watches on files are limited by the user, who is nobody else's.
import errno

from attack import call, contained, until_refused


def watch():
    result = call(294, 0)
    if result < 0:
        raise OSError(-result, "inotify_init1")


until_refused(watch, errno.EMFILE, errno.ENFILE, errno.ENOMEM, most=100_000)
contained()
