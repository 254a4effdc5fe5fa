"""Errors and options: their fields, and that they show no secret."""

import pickle
import sys
import unittest
from pathlib import Path

import sandbox

import b2auth


class Errors(unittest.TestCase):
    def wrong(self):
        key_id, wrong = sandbox.new_key()[0], "K001" + "w" * 27
        with self.assertRaises(b2auth.BadCredentials) as caught:
            b2auth.authorize(key_id, wrong)
        return caught.exception, wrong

    def test_a_wrong_key(self):
        error, _ = self.wrong()
        self.assertEqual(error.status, b2auth.Status.BAD_CREDENTIALS)
        self.assertEqual(error.status_name, "B2_BAD_CREDENTIALS")
        self.assertEqual((error.http_status, error.code, error.attempts), (401, "unauthorized", 1))
        self.assertFalse(error.retryable)
        self.assertIsNone(error.retry_after)
        self.assertTrue(error.request_id)
        self.assertTrue(error.hint)
        self.assertEqual(str(error), f"{error.message} ({error.hint})")
        self.assertEqual(error.run_log["error"]["attempts"][0]["httpStatus"], 401)

    def test_how_long_to_wait(self):
        key = sandbox.new_key()
        sandbox.fail_next(key[0], {"status": 503, "retryAfter": 7})
        with self.assertRaises(b2auth.ServiceUnavailable) as caught:
            b2auth.authorize(*key, total_timeout_ms=2000)
        self.assertTrue(caught.exception.retryable)
        self.assertTrue(6 < caught.exception.retry_after <= 7)

    def test_an_error_shows_no_key_and_survives_a_pickle(self):
        error, wrong = self.wrong()
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual(type(again), type(error))
        self.assertEqual(vars(again), vars(error))
        self.assertEqual(str(again), str(error))
        for shown in (repr(error), str(error), repr(vars(error)), repr(error.run_log), repr(pickle.dumps(error))):
            self.assertNotIn(wrong, shown)

    def test_no_frame_of_a_traceback_has_the_key(self):
        def outcome(call, *arguments, **options):
            try:
                call(*arguments, **options)
            except (b2auth.B2Error, TypeError):
                return sys.exc_info()[2]
            raise AssertionError("it did not fail")

        wrong = "K001" + "w" * 27
        key_id = sandbox.new_key()[0]
        tracebacks = [
            outcome(b2auth.authorize, key_id, wrong),
            outcome(b2auth.authorize, key_id, wrong + "\0"),
            outcome(b2auth.authorize, key_id, wrong.encode()),
            outcome(b2auth.authorize, key_id, wrong, cache="rubbish"),
            outcome(b2auth.reauthorize, key_id, wrong),
            outcome(b2auth.authorize_many, [(key_id, wrong + "\0")]),
            outcome(b2auth.authorize_many, [(key_id, wrong)], concurrency=0),
            outcome(b2auth.diagnose, key_id, wrong + "\0"),
            outcome(b2auth.diagnose, key_id, wrong.encode()),
            outcome(b2auth.diagnose, key_id, wrong, diagnose="everything"),
        ]
        inside = 0
        for traceback in tracebacks:
            while traceback:
                if "b2auth" in traceback.tb_frame.f_globals["__name__"]:
                    inside += 1
                    self.assertNotIn(wrong, repr(traceback.tb_frame.f_locals), traceback.tb_frame)
                traceback = traceback.tb_next
        self.assertGreater(inside, 10)

    def test_what_c_would_cut_short_is_refused(self):
        key = sandbox.new_key()
        for call in (
            lambda: b2auth.authorize(key[0], key[1] + "\0x"),
            lambda: b2auth.authorize(key[0] + "\0x", key[1]),
            lambda: b2auth.Options(realm=sandbox.REALM + "\0x"),
            lambda: b2auth.diagnose(key[0], key[1] + "\0x"),
        ):
            with self.assertRaises(b2auth.InvalidArgument) as caught:
                call()
            self.assertEqual(caught.exception.status, b2auth.Status.INVALID_ARGUMENT)
        self.assertEqual(sandbox.requests_of(key[0]), 0)

    def test_what_is_not_utf_8_is_refused(self):
        with self.assertRaises(b2auth.InvalidArgument):
            b2auth.authorize(sandbox.new_key()[0], "K001\udcff" + "w" * 26)

    def test_keys_of_other_types_are_refused_without_showing_them(self):
        for key in (b"K001secret", 17, ["K001secret"]):
            with self.assertRaises(TypeError) as caught:
                b2auth.authorize("id", key)
            self.assertNotIn("secret", str(caught.exception))


class OptionsByName(unittest.TestCase):
    def test_an_unknown_name_has_a_hint(self):
        with self.assertRaises(b2auth.InvalidArgument) as caught:
            b2auth.Options(max_attempt=3)
        self.assertIn("max_attempts", caught.exception.hint)
        self.assertIsInstance(caught.exception, ValueError)

    def test_values_of_each_kind(self):
        options = b2auth.Options(ca_file=Path("/nowhere/ca.pem"), max_attempts=2, cache="bypass", proxy=None)
        self.assertRaises(b2auth.InvalidArgument, options.replace, max_attempts=6)
        self.assertRaises(TypeError, b2auth.Options, max_attempts=2.5)

    def test_options_are_used_and_changed_for_one_call(self):
        key = sandbox.new_key()
        bypass = b2auth.Options(cache="bypass")
        for _ in range(2):
            b2auth.authorize(*key, options=bypass)
        self.assertEqual(sandbox.requests_of(key[0]), 2)
        b2auth.authorize(*key, options=bypass, cache="use")
        b2auth.authorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 3)

    def test_options_are_pickled_by_value_and_show_none(self):
        key = sandbox.new_key()
        options = pickle.loads(pickle.dumps(b2auth.Options(cache="bypass", proxy="http://user:hidden@127.0.0.1:1")))
        b2auth.authorize(*key, options=options)
        b2auth.authorize(*key, options=options)
        self.assertEqual(sandbox.requests_of(key[0]), 2)
        self.assertNotIn("hidden", repr(options))
        self.assertIn("proxy", repr(options))


class Refusals(unittest.TestCase):
    def test_when_a_new_token_is_the_cure(self):
        self.assertTrue(b2auth.should_reauthorize(401, "expired_auth_token"))
        self.assertTrue(b2auth.should_reauthorize(401))
        self.assertFalse(b2auth.should_reauthorize(401, "unauthorized"))
        self.assertFalse(b2auth.should_reauthorize(403, "bad_auth_token"))
        self.assertTrue(b2auth.should_reauthorize_body(401, b'{"code": "bad_auth_token", "status": 401}'))
        self.assertFalse(b2auth.should_reauthorize_body(401, '{"code": "unauthorized"}'))
        for body in (b"", b"\xff\xfe", b"[1]", b'{"code": 5}', b'{"code": "a\\u0000b"}', b'{"code": "expired'):
            self.assertTrue(b2auth.should_reauthorize_body(401, body), body)


if __name__ == "__main__":
    unittest.main()
