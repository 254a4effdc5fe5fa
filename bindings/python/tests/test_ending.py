"""Calls that are ended: by a cancel, by Ctrl-C, and by the end of the interpreter."""

import os
import signal
import threading
import time
import unittest

import sandbox

import b2auth

# A call that waits is released by its test or ends by the deadline of its options, a minute. Ten seconds are plenty for
# what takes a quarter of one, on any machine.
SOON = 10

WAIT = """
import b2auth, sys, threading, time, atexit, logging
latch, key_id, key = sys.argv[1:]
def call(**options):
    return b2auth.authorize(key_id, key, **options)
def quietly():
    try: call()
    except b2auth.Cancelled: pass
"""


class Ending(unittest.TestCase):
    def held(self):
        """A key whose next request waits at a latch."""
        key = sandbox.new_key()
        latch = key[0]
        sandbox.fail_next(key[0], {"hold": latch})
        self.addCleanup(sandbox.release, latch)
        return latch, key

    def start(self, program):
        latch, key = self.held()
        process = sandbox.python(WAIT + program, latch, *key)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        sandbox.wait_until_held(latch)
        return process, key

    def finished(self, process):
        out, err = process.communicate(timeout=SOON)
        self.assertNotIn("Fatal", err)
        self.assertNotIn("panicked", err)
        return process.returncode, out, err

    def test_a_cancel_ends_all_its_calls_now_and_later(self):
        cancel = b2auth.Cancel()
        ended = []

        def call(key):
            try:
                b2auth.authorize(*key, cancel=cancel)
            except b2auth.Cancelled as error:
                ended.append(error)

        threads = []
        for _ in range(3):
            latch, key = self.held()
            threads.append(threading.Thread(target=call, args=(key,)))
            threads[-1].start()
            sandbox.wait_until_held(latch)
        self.assertFalse(cancel.triggered)
        cancel.trigger()
        for thread in threads:
            thread.join(SOON)
        self.assertEqual(len(ended), 3)
        self.assertTrue(cancel.triggered)
        # A triggered cancel wins over the cache.
        self.assertRaises(b2auth.Cancelled, b2auth.authorize, cancel=cancel)
        self.assertEqual(cancel._calls, set())

    def test_ctrl_c_ends_a_call(self):
        process, _ = self.start(
            "try: call()\nexcept KeyboardInterrupt:\n  calls = tuple(b2auth._call._under_way)\n"
            # The call in the library has ended as well.
            "  print('interrupted', [each.wait(10) for each in calls], flush=True)\n"
            # Nothing else was ended: the same key can be used at once.
            "print(call(cache='bypass').account_id)\n"
        )
        process.send_signal(signal.SIGINT)
        code, out, _ = self.finished(process)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^interrupted \[(True)?\]\n[0-9a-f]{12}\n$")

    def test_ctrl_c_in_one_call_spares_the_others_of_its_cancel(self):
        process, _ = self.start(
            "cancel = b2auth.Cancel()\n"
            "try: call(cancel=cancel)\n"
            "except KeyboardInterrupt: print(cancel.triggered, b2auth.authorize(cancel=cancel).account_id)\n"
        )
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finished(process)[:2], (0, f"False {sandbox.ACCOUNT}\n"))

    def test_a_handler_that_triggers_a_cancel_ends_a_call(self):
        process, _ = self.start(
            "import signal\ncancel = b2auth.Cancel()\nsignal.signal(signal.SIGTERM, lambda *_: cancel.trigger())\n"
            "print('ready', flush=True)\n"
            "try: call(cancel=cancel)\nexcept b2auth.Cancelled: print('cancelled')\n"
        )
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finished(process)[:2], (0, "ready\ncancelled\n"))

    def test_a_handler_that_raises_nothing_disturbs_no_call(self):
        process, key = self.start(
            "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('seen', flush=True))\n"
            "print(call().seconds_left > 0)\n"
        )
        process.send_signal(signal.SIGUSR1)
        # The handler runs while the call waits.
        self.assertEqual(process.stdout.readline(), "seen\n")
        sandbox.release(key[0])
        self.assertEqual(self.finished(process)[:2], (0, "True\n"))
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    def test_the_interpreter_ends_in_the_middle_of_a_call(self):
        log = "logging.basicConfig(level=logging.DEBUG, filename='/dev/null')\n"
        for program in (
            # By the end of the main thread, with a daemon in the call, and a log that it would report to.
            log + "threading.Thread(target=quietly, daemon=True).start()\n",
            # By sys.exit, with another call made while the interpreter ends.
            log + "threading.Thread(target=quietly, daemon=True).start()\n"
            "@atexit.register\ndef _():\n  print(b2auth.authorize().account_id)\n",
            # Out of asyncio.
            "import asyncio, b2auth.aio\nasync def main():\n"
            "  task = asyncio.ensure_future(b2auth.aio.authorize(key_id, key))\n"
            "  await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)\nasyncio.run(main())\n",
        ):
            with self.subTest(program):
                latch, key = self.held()
                # It ends once its input does, which is when the server holds its call.
                process = sandbox.python(WAIT + program + "sys.stdin.readline()\n", latch, *key, stdin=-1)
                self.addCleanup(process.kill)
                sandbox.wait_until_held(latch)
                code, _, err = self.finished(process)
                self.assertEqual((code, err), (0, ""))

    def test_an_exit_in_the_middle_of_many_calls_with_logs(self):
        # The log is what a thread of the library may be in when the interpreter goes.
        program = (
            "logging.basicConfig(level=logging.DEBUG, filename='/dev/null')\n"
            "def again():\n  while True:\n    try: call(cache='bypass', rate_limit_per_minute=0)\n"
            "    except b2auth.B2Error: pass\n"
            "for _ in range(8): threading.Thread(target=again, daemon=True).start()\n"
            "time.sleep(0.05 * int(latch))\n"
        )
        key = sandbox.new_key()
        for turn in range(6):
            process = sandbox.python(WAIT + program, str(turn), *key)
            self.addCleanup(process.kill)
            code, _, err = self.finished(process)
            self.assertEqual((code, err), (0, ""))

    def test_calls_of_other_threads_are_not_ended_by_ctrl_c(self):
        process, key = self.start(
            "said = []\nother = threading.Thread(target=lambda: said.append(call().account_id))\n"
            "try:\n  other.start()\n  while True: time.sleep(60)\n"
            "except KeyboardInterrupt: print('interrupted', flush=True)\nother.join()\nprint(len(said))\n"
        )
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), "interrupted\n")
        sandbox.release(key[0])
        self.assertEqual(self.finished(process)[:2], (0, "1\n"))


@unittest.skipUnless(hasattr(os, "fork"), "no fork here")
class Forks(unittest.TestCase):
    def test_a_child_uses_the_parents_cache_and_can_ask_itself(self):
        known, fresh = sandbox.new_key(), sandbox.new_key()
        parents = b2auth.authorize(*known)
        self.assertEqual(in_child(lambda: b2auth.authorize(*known).authorization_token), parents.authorization_token)
        self.assertEqual(sandbox.requests_of(known[0]), 1)
        self.assertEqual(in_child(lambda: b2auth.authorize(*fresh).key_id), fresh[0])
        self.assertEqual(in_child(lambda: parents.authorization_token), parents.authorization_token)

    def test_a_fork_in_the_middle_of_a_call(self):
        key = sandbox.new_key()
        sandbox.fail_next(key[0], {"hold": key[0]})
        self.addCleanup(sandbox.release, key[0])
        waiting = threading.Thread(target=b2auth.authorize, args=key)
        waiting.start()
        sandbox.wait_until_held(key[0])
        # The child does not wait for the request of its parent's thread, neither here nor when it ends.
        self.assertEqual(in_child(lambda: b2auth.authorize(*key).key_id), key[0])
        self.assertEqual(in_child(lambda: str(len(b2auth._call._under_way))), "0")
        sandbox.release(key[0])
        waiting.join(SOON)

    def test_multiprocessing_by_fork(self):
        import multiprocessing

        context = multiprocessing.get_context("fork")
        key = sandbox.new_key()
        b2auth.authorize(*key)
        with context.Pool(3) as pool:
            self.assertEqual(pool.map(account_of, [key] * 12), [b2auth.authorize(*key).account_id] * 12)
            with self.assertRaises(b2auth.BadCredentials) as caught:
                pool.apply(account_of, [(key[0], "K001" + "w" * 27)])
        self.assertTrue(caught.exception.hint)
        self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_multiprocessing_by_spawn(self):
        import multiprocessing

        with multiprocessing.get_context("spawn").Pool(1) as pool:
            self.assertEqual(pool.apply(account_of, [(None, None)]), sandbox.ACCOUNT)


def account_of(key):
    return b2auth.authorize(*key).account_id


def in_child(work):
    """The result of work() in a child made by fork, which then runs the exit handler."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.write(writing, work().encode())
            b2auth._call._end()
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    said = b""
    while True:
        part = os.read(reading, 4096)
        if not part:
            break
        said += part
    os.close(reading)
    deadline = time.monotonic() + SOON
    assert os.waitpid(child, 0)[1] == 0
    assert time.monotonic() < deadline
    return said.decode()


if __name__ == "__main__":
    unittest.main()
