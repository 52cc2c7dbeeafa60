#!/usr/bin/python3
"""Compares Practicum with doing it bare, side by side in one run: medians and their ratios.

    scripts/bench/compare.py [grade] [intake]      both unless one is named

  grade    one submission of net-02-echo-server graded, against the same program with the same clients unsandboxed,
           from one Python process and from pytest
  intake   from the answer to a hand-in until the first case is seen to start, on a server with nothing else to do

Sandboxes alone are compared by `make bench-sandbox`. What is compared takes turns, so that a drift of the machine hits all
alike. Run it on an idle machine: the load is printed with the figures. The figures also go to target/bench.json.
"""

import http.cookiejar
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request

from echo_clients import CASES
from echo_server import servers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PRACTICUM = ROOT / "target/release/practicum"
EXERCISE = ROOT / "exercises/net-02-echo-server"
REFERENCE = EXERCISE / "submissions/reference"

ROUNDS = 15
HAND_INS = 20
COURSE, ASSIGNMENT = "netcon", "net-02-echo-server"


def timed_ms(action):
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def take_turns(actions, rounds):
    """{name: durations in ms}, after one round that only warms up."""
    durations = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            duration = timed_ms(action)
            if number:
                durations[name].append(duration)
    return durations


# grade


def grade():
    answer = subprocess.run([PRACTICUM, "grade", EXERCISE, REFERENCE, "--json"], stdout=subprocess.PIPE, check=True)
    cases = json.loads(answer.stdout)["cases"]
    assert len(cases) == len(CASES), "echo_clients.py must hold the suite's cases"


def run_bare():
    for case in CASES:
        with servers() as start:
            case(start)


def run_pytest():
    command = [ROOT / ".cache/bench/bin/pytest", "-q", "-p", "no:cacheprovider", HERE / "test_echo.py"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def compare_grading():
    names = {"practicum grade": grade, "bare, one process a case": run_bare, "pytest, one process a case": run_pytest}
    return take_turns(names, ROUNDS)


# intake


class Student:
    """A signed-in student."""

    def __init__(self, url):
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.post("/api/v1/session", self.account())

    @staticmethod
    def account():
        """The demo's first student."""
        for line in pathlib.Path(os.environ["PRACTICUM_ACCOUNTS"]).read_text().splitlines():
            login, password, role = line.split()[-3:]
            if role == "Student":
                return {"login": login, "password": password}
        raise LookupError("the demo has no student")

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with self.opener.open(request) as answer:
            return json.load(answer)

    def events(self, submission):
        """Names of the events of a submission as they come, to the end."""
        with self.opener.open(f"{self.url}/api/v1/submissions/{submission}/events") as stream:
            for line in stream:
                if line.startswith(b"event:"):
                    yield line[6:].strip().decode()

    def hand_in_ms(self, number):
        program = f"# hand-in {number}\n" + (REFERENCE / "echo_server.py").read_text()
        files = {"files": [{"name": "echo_server.py", "content": program}]}
        receipt = self.post(f"/api/v1/courses/{COURSE}/assignments/{ASSIGNMENT}/submissions", files)
        accepted = time.perf_counter()
        first = None
        for event in self.events(receipt["id"]):
            if event == "progress" and first is None:
                first = (time.perf_counter() - accepted) * 1000
        assert first is not None, f"submission {receipt['id']} ended without a case"
        return first


def measure_intake():
    """Runs under scripts/with-server; prints its figures."""
    student = Student(os.environ["PRACTICUM_URL"])
    durations = [student.hand_in_ms(number) for number in range(HAND_INS + 1)]
    print(json.dumps({"hand-in to first case": durations[1:]}))


def compare_intake():
    command = [ROOT / "scripts/with-server", sys.executable, __file__, "--measure-intake"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "PRACTICUM": str(PRACTICUM)}, check=True)
    return json.loads(answer.stdout)


# what is printed


def show(title, durations):
    ours = statistics.median(next(iter(durations.values())))
    print(f"\n{title}\n  {'':30}{'median ms':>12}{'p10':>10}{'p90':>10}{'n':>6}{'ours / this':>14}")
    for name, samples in durations.items():
        deciles = statistics.quantiles(samples, n=10)
        median = statistics.median(samples)
        print(f"  {name:30}{median:12.2f}{deciles[0]:10.2f}{deciles[-1]:10.2f}{len(samples):6}{ours / median:14.2f}")


COMPARISONS = {
    "grade": ("one submission, ten cases", compare_grading),
    "intake": ("from the receipt to the first case", compare_intake),
}


def main():
    wanted = sys.argv[1:] or list(COMPARISONS)
    if wanted == ["--measure-intake"]:
        return measure_intake()
    if set(wanted) - set(COMPARISONS):
        sys.exit(__doc__)
    results = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    for name in wanted:
        title, compare = COMPARISONS[name]
        results[name] = compare()
        show(title, results[name])
    results["load_after"] = os.getloadavg()[0]
    target = ROOT / "target/bench.json"
    target.write_text(json.dumps(results, indent=1))
    print(f"\nload {results['load_before']:.2f} before, {results['load_after']:.2f} after, {results['cores']} cores; {target}")


if __name__ == "__main__":
    main()
