"""Publishes each line of its input as a message."""
import argparse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--queue", required=True)
    options = parser.parse_args()
    raise NotImplementedError(f"publish to {options.queue}")


if __name__ == "__main__":
    main()
