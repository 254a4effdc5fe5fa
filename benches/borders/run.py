"""run.py [--markdown] NAME=COMMAND…: what a cached call and a getter cost by each command, beside the first one.

A command reads lines such as `call 1000` and responds with the nanoseconds that one took. The rounds of all are interleaved,
so that a machine which is busier for a while is so for all of them; each round is compared with the first command's of the
same round, and the median of these ratios is what is printed.
"""

import shlex
import statistics
import subprocess
import sys

ROUNDS = 31
ROUND_NS = 20e6  # of each command, as near as may be


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
        """Until compilers at run time have had their say; returns how many calls make a round."""
        count = 100
        while (cost := self.ask(what, count)) * count < ROUND_NS:
            count *= 2
        for _ in range(3):
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
    arguments = sys.argv[1:]
    form = "{:<20} {:>9} {:>8}   {:>9} {:>8}"
    if arguments[0] == "--markdown":
        arguments.pop(0)
        form = "| {} | {} | {} | {} | {} |"
    programs = [Program(*argument.split("=", 1)) for argument in arguments]
    calls, getters = measure(programs, "call"), measure(programs, "getter")
    print(form.format("", "call, ns", "ratio", "getter, ns", "ratio"))
    if form[0] == "|":
        print("|---|--:|--:|--:|--:|")
    for program, call, getter in zip(programs, calls, getters):
        print(form.format(program.name, round(call[0]), f"{call[1]:.1f}", round(getter[0]), f"{getter[1]:.1f}"))
        program.end()


main()
