"""Threads and the garbage collector."""

import gc
import logging
import threading
import unittest
from unittest import mock

import sandbox

import b2auth


def together(count, work):
    """Runs work(number) on so many threads that begin together; raises what any of them raised."""
    barrier = threading.Barrier(count)
    failures = []

    def body(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Threads(unittest.TestCase):
    def test_64_threads_make_one_request(self):
        key = sandbox.new_key()
        tokens = []
        together(64, lambda _: tokens.append(b2auth.authorize(*key).authorization_token))
        self.assertEqual((len(tokens), len(set(tokens))), (64, 1))
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    def test_64_threads_replace_a_dead_token_by_one_request(self):
        key = sandbox.new_key()
        first = b2auth.authorize(*key)
        together(64, lambda _: b2auth.reauthorize(*key, rejected=first))
        self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_sessions_closed_and_collected_while_others_use_them(self):
        key = sandbox.new_key()
        token = b2auth.authorize(*key).authorization_token
        place = [b2auth.authorize(*key)]
        closed = 0

        def work(number):
            nonlocal closed
            for _ in range(300):
                session = place[0]
                if number % 4 == 0:
                    place[0] = b2auth.authorize(*key)
                    session.close()
                elif number == 1:
                    gc.collect(0)
                else:
                    try:
                        assert session.authorization_token == token
                        assert len(session.capabilities) == 30
                    except ValueError:
                        closed += 1

        together(8, work)
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    def test_a_rejected_session_that_goes_in_the_middle_of_the_call(self):
        key = sandbox.new_key()
        rejected = b2auth.authorize(*key)
        sandbox.fail_next(key[0], {"hold": key[0]})
        self.addCleanup(sandbox.release, key[0])
        second = []
        waiting = threading.Thread(
            target=lambda session: second.append(b2auth.reauthorize(*key, rejected=session)), args=(rejected,)
        )
        waiting.start()
        sandbox.wait_until_held(key[0])
        first = rejected.authorization_token
        rejected.close()
        del rejected
        b2auth.cache_clear()
        gc.collect()
        sandbox.release(key[0])
        waiting.join()
        self.assertNotEqual(second[0].authorization_token, first)

    def test_the_main_thread_manages_without_another(self):
        key = sandbox.new_key()
        with mock.patch("_thread.start_new_thread", side_effect=RuntimeError("can't start new thread")):
            self.assertEqual(b2auth.authorize(*key).key_id, key[0])

    def test_options_and_cancels_collected_while_calls_use_them(self):
        key = sandbox.new_key()

        def work(_):
            for _ in range(100):
                b2auth.authorize(*key, cancel=b2auth.Cancel(), min_remaining_s=1)

        together(8, work)
        self.assertEqual(sandbox.requests_of(key[0]), 1)


class Logs(unittest.TestCase):
    def test_the_log_is_the_loggers(self):
        key = sandbox.new_key()
        with self.assertLogs("b2auth", logging.DEBUG) as logged:
            session = b2auth.authorize(*key)
            b2auth.authorize(*key)
        levels = {record.levelno for record in logged.records}
        self.assertEqual(levels, {logging.INFO, logging.DEBUG})
        for line in logged.output:
            self.assertNotIn(key[1], line)
            self.assertNotIn(session.authorization_token, line)

    def test_the_loggers_level_decides(self):
        key = sandbox.new_key()
        sandbox.fail_next(key[0], {"status": 503})
        with self.assertLogs("b2auth", logging.WARNING) as logged:
            b2auth.authorize(*key, initial_backoff_ms=1)
        self.assertEqual({record.levelno for record in logged.records}, {logging.WARNING})

    def test_a_logger_that_is_off_is_not_told(self):
        logger = logging.getLogger("b2auth")
        self.addCleanup(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)
        with mock.patch.object(logger, "log") as log, self.assertRaises(b2auth.BadCredentials):
            b2auth.authorize(sandbox.new_key()[0], "K001" + "w" * 27)
        log.assert_not_called()

    def test_many_threads_log_at_once(self):
        key = sandbox.new_key()
        with self.assertLogs("b2auth", logging.DEBUG) as logged:
            together(16, lambda _: [b2auth.authorize(*key) for _ in range(20)])
        self.assertGreaterEqual(len(logged.records), 16 * 20)


if __name__ == "__main__":
    unittest.main()
