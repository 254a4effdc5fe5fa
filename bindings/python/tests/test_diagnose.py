"""The diagnosis: reports, and that what fails is in them."""

import asyncio
import gc
import json
import logging
import os
import tempfile
import threading
import time
import unittest

import sandbox

import b2auth
import b2auth.aio

WRONG = "K001" + "w" * 27


def step(report, name):
    (found,) = (step for step in report["steps"] if step["name"] == name)
    return found


def steps_that_are(report, result):
    return [step["name"] for step in report["steps"] if step["result"] == result]


def held(test):
    """A key whose next request waits at a latch."""
    key = sandbox.new_key()
    sandbox.fail_next(key[0], {"hold": key[0]})
    test.addCleanup(sandbox.release, key[0])
    return key


class Diagnosis(unittest.TestCase):
    def test_every_step_where_all_is_well(self):
        key = sandbox.new_key(capabilities=["readFiles"])
        report = b2auth.diagnose(*key)
        self.assertEqual((report["status"], report["result"], report["error"]), ("B2_OK", "ok", None), report)
        self.assertEqual(
            steps_that_are(report, "ok"),
            "credentials environment realm proxy lookUp connect clock authorize key token".split(),
        )
        self.assertEqual(steps_that_are(report, "skipped"), ["roots", "tunnel", "tls", "store"])
        self.assertEqual(step(report, "credentials")["details"]["keyId"], key[0])
        self.assertEqual(step(report, "key")["details"]["capabilities"], ["readFiles"])
        self.assertEqual(report["version"], b2auth.library_version())
        self.assertEqual((report["requests"], sandbox.requests_of(key[0])), (1, 1))
        # It has cached nothing.
        b2auth.authorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_the_types_are_those_of_a_report(self):
        reports = [b2auth.diagnose(*sandbox.new_key()), b2auth.diagnose(sandbox.new_key()[0], WRONG)]
        for report in reports:
            self.assertEqual(set(report), set(b2auth.Report.__annotations__))
            for each in report["steps"]:
                self.assertEqual(set(each), set(b2auth.Step.__annotations__))
        self.assertEqual(set(reports[1]["error"]), set(b2auth.ReportedError.__annotations__))

    def test_a_wrong_key_is_a_step_that_failed(self):
        key = sandbox.new_key()
        report = b2auth.diagnose(key[0], WRONG)
        self.assertEqual((report["status"], report["result"]), ("B2_BAD_CREDENTIALS", "failed"))
        self.assertEqual(steps_that_are(report, "failed"), ["authorize"])
        self.assertTrue(step(report, "authorize")["advice"])
        self.assertEqual(step(report, "authorize")["details"]["httpStatus"], 401)
        text = json.dumps(report)
        self.assertNotIn(WRONG, text)
        self.assertNotIn(key[1], text)
        with self.assertRaises(b2auth.BadCredentials) as caught:
            b2auth.authorize(key[0], WRONG)
        self.assertEqual(report["error"]["message"], caught.exception.message)
        self.assertEqual(report["error"]["hint"], caught.exception.hint)

    def test_without_a_report_there_is_an_error(self):
        key = sandbox.new_key()
        self.assertRaises(b2auth.InvalidArgument, b2auth.diagnose, *key, diagnose="everything")
        self.assertRaises(b2auth.InvalidArgument, b2auth.diagnose, *key, max_attempts=6)
        self.assertRaises(TypeError, b2auth.diagnose, key[0], 17)
        self.assertEqual(sandbox.requests_of(key[0]), 0)

    def test_a_cancel_is_told_by_the_report(self):
        key = held(self)
        cancel = b2auth.Cancel()
        reports = []
        thread = threading.Thread(target=lambda: reports.append(b2auth.diagnose(*key, cancel=cancel)))
        thread.start()
        sandbox.wait_until_held(key[0])
        cancel.trigger()
        thread.join(10)
        (report,) = reports
        self.assertEqual((report["status"], report["error"]["status"]), ("B2_CANCELLED", "B2_CANCELLED"))
        self.assertEqual(steps_that_are(report, "failed"), ["authorize"])
        self.assertEqual(step(report, "connect")["result"], "ok")
        # It stays triggered.
        self.assertEqual(b2auth.diagnose(*key, cancel=cancel)["status"], "B2_CANCELLED")

    def test_a_deadline_is_told_by_the_report(self):
        report = b2auth.diagnose(*held(self), total_timeout_ms=300)
        self.assertEqual((report["status"], steps_that_are(report, "failed")), ("B2_TIMEOUT", ["authorize"]))

    def test_it_logs(self):
        key = sandbox.new_key()
        with self.assertLogs("b2auth", logging.INFO) as heard:
            b2auth.diagnose(*key)
        self.assertIn("granted a session", heard.output[-1])
        self.assertNotIn(key[1], "".join(heard.output))

    def test_every_report_is_freed(self):
        freed = []
        free = b2auth._work.library.b2_string_free

        class Library:
            def __getattr__(self, name):
                return getattr(b2auth._library.library, name)

            def b2_string_free(self, pointer):
                freed.append(pointer)
                free(pointer)

        def unreadable(text):
            raise ValueError(f"{len(text)} bytes")

        key = sandbox.new_key()
        library, loads = b2auth._work.library, b2auth._work.json.loads
        b2auth._work.library = Library()
        try:
            b2auth.diagnose(*key)
            b2auth.diagnose(key[0], WRONG)
            b2auth._work.json.loads = unreadable
            self.assertRaises(ValueError, b2auth.diagnose, *key)
        finally:
            b2auth._work.library, b2auth._work.json.loads = library, loads
        gc.collect()
        self.assertEqual(len(freed), 3)


class Stores(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "tokens")
        self.store = "file:" + self.folder

    def look(self, what):
        # It needs no key, and sends nothing.
        requests = b2auth.counter("requests")
        report = b2auth.diagnose(store=self.store, diagnose=what, credentials="given")
        self.assertEqual((report["status"], report["requests"]), ("B2_OK", 0), report)
        self.assertEqual([each["name"] for each in report["steps"]], ["store"])
        self.assertEqual(b2auth.counter("requests"), requests)
        return step(report, "store")["details"]

    def test_a_store_is_listed_and_purged(self):
        b2auth.authorize(*sandbox.new_key(), store=self.store)
        found = self.look("store")
        self.assertEqual((found["records"], found["dead"]), (1, 0))
        self.assertIn(self.folder, found["place"])
        self.assertIn("record", [entry["kind"] for entry in found["entries"]])
        # A record whose token ended two hours ago.
        dead = os.path.join(self.folder, "0123456789abcdef0123456789abcdef")
        with open(dead, "wb") as file:
            file.write(bytes(1000))
        os.utime(dead, (time.time() - 26 * 3600,) * 2)
        found = self.look("store")
        self.assertEqual((found["records"], found["dead"], found["removed"]), (2, 1, 0))
        self.assertEqual(self.look("purge")["removed"], 1)
        self.assertFalse(os.path.exists(dead))
        self.assertEqual(self.look("store")["records"], 1)

    def test_without_a_store_the_report_says_so(self):
        report = b2auth.diagnose(store="none", diagnose="store")
        self.assertEqual((report["status"], steps_that_are(report, "failed")), ("B2_INVALID_ARGUMENT", ["store"]))


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def until_held(self, key):
        await asyncio.get_running_loop().run_in_executor(None, sandbox.wait_until_held, key[0])

    async def test_reports(self):
        key = sandbox.new_key()
        reports = await asyncio.gather(b2auth.aio.diagnose(*key), b2auth.aio.diagnose(key[0], WRONG))
        self.assertEqual([report["status"] for report in reports], ["B2_OK", "B2_BAD_CREDENTIALS"])
        with self.assertRaises(b2auth.InvalidArgument):
            await b2auth.aio.diagnose(*key, diagnose="everything")

    async def test_it_ends_with_its_task(self):
        key = held(self)
        waiting = asyncio.ensure_future(b2auth.aio.diagnose(*key))
        await self.until_held(key)
        (call,) = b2auth._call._under_way
        waiting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await waiting
        self.assertTrue(call.wait(10))
        self.assertEqual(call.result()["status"], "B2_CANCELLED")

    async def test_a_cancel_is_told_by_the_report(self):
        key = held(self)
        cancel = b2auth.Cancel()
        waiting = asyncio.ensure_future(b2auth.aio.diagnose(*key, cancel=cancel))
        await self.until_held(key)
        cancel.trigger()
        self.assertEqual((await waiting)["status"], "B2_CANCELLED")


if __name__ == "__main__":
    unittest.main()
