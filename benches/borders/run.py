"""run.py NAME=COMMAND…: what a cached call and a getter cost by each command, beside the first one.

A command reads lines such as `call 1000` and responds with the nanoseconds that one took. The rounds of all are interleaved,
so that a machine which is busier for a while is so for all of them; each round is compared with the first command's of the
same round, and the median of these ratios is what is printed.
"""

import shlex
import statistics
import subprocess
import sys

ROUNDS = 301
ROUND_NS = 2e6  # of each command, about: shorter than a busy machine's time slices
WARM_UP_ROUNDS, WARM_UP_ROUND_NS = 25, 20e6


class Program:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what, count):
        print(what, count, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} has ended with {self.process.wait()}")
        return float(line)

    def warm_up(self, what):
        """So that compilers at run time have done their work; returns how many calls make a round."""
        count = 100
        while (cost := self.ask(what, count)) * count < WARM_UP_ROUND_NS:
            count *= 2
        for _ in range(WARM_UP_ROUNDS):
            cost = self.ask(what, count)
        return max(1, int(ROUND_NS / cost))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(programs, what):
    counts = [program.warm_up(what) for program in programs]
    rounds = [[program.ask(what, count) for program, count in zip(programs, counts)] for _ in range(ROUNDS)]
    costs = [statistics.median(each) for each in zip(*rounds)]
    ratios = [statistics.median(each) for each in zip(*([cost / one[0] for cost in one] for one in rounds))]
    return list(zip(costs, ratios))


def main():
    programs = [Program(*argument.split("=", 1)) for argument in sys.argv[1:]]
    calls, getters = measure(programs, "call"), measure(programs, "getter")
    for program, call, getter in zip(programs, calls, getters):
        name = program.name.replace(" ", "~")
        print(f"bench borders language={name} call_ns={call[0]:.1f} call_ratio={call[1]:.2f}", end=" ")
        print(f"getter_ns={getter[0]:.1f} getter_ratio={getter[1]:.1f}")
        program.end()


main()
