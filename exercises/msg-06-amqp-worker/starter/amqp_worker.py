"""A worker on an AMQP work queue."""
import argparse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--handler", required=True, metavar="MODULE:FUNC")
    parser.add_argument("--prefetch", type=int, default=1)
    options = parser.parse_args()
    raise NotImplementedError(f"consume from {options.queue}")


if __name__ == "__main__":
    main()
