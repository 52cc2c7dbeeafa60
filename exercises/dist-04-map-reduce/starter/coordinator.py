"""Map-reduce, the coordinator: python3 coordinator.py HOST PORT --job MODULE --inputs DIR --out DIR --reducers R."""
import argparse
import os
import socket


def run(listener, arguments):
    """Deals out all tasks; returns the exit code."""
    raise NotImplementedError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--job", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--reducers", type=int, required=True)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    with socket.create_server((arguments.host, arguments.port)) as listener:
        return run(listener, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
