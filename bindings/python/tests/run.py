"""Runs the tests of this folder, and prints a line of each: ok, not ok or SKIP."""

import os
import sys
import unittest


class Lines(unittest.TestResult):
    def addSuccess(self, test):
        self._say("ok", test)

    def addError(self, test, err):
        super().addError(test, err)
        self._say("not ok", test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._say("not ok", test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._say("not ok", test, self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._say("SKIP", test, "", f": {reason}")

    def _say(self, verdict, test, why="", because=""):
        if why:
            print(why)
        method = getattr(test, "_testMethodName", str(test))
        name = "{}: {}".format(type(test).__name__.lower(), method[len("test_") :].replace("_", " "))
        print(f"{verdict} {LABEL}: {name}{because}", flush=True)


LABEL = "python {}.{}{}".format(*sys.version_info[:2], "" if getattr(sys, "_is_gil_enabled", lambda: True)() else "t")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(here)
    result = Lines()
    suite.run(result)
    if not result.testsRun:
        print(f"not ok {LABEL}: no test was found")
    return not result.testsRun or not result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
