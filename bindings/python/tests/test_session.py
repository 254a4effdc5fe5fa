"""Sessions: their fields, how long they live, and what they show of themselves."""

import copy
import datetime
import json
import pickle
import unittest

import sandbox

import b2auth


class Sessions(unittest.TestCase):
    def test_the_key_of_the_environment(self):
        with b2auth.authorize() as session:
            self.assertEqual(session.account_id, sandbox.ACCOUNT)
            self.assertEqual(session.key_id, sandbox.KEY_ID)
            self.assertEqual(session.realm, sandbox.REALM)
            self.assertEqual(session.api_url, sandbox.REALM)
            self.assertEqual(session.download_url, sandbox.REALM)
            self.assertEqual(session.s3_region, "us-west-004")
            self.assertEqual(session.s3_api_url, "https://s3.us-west-004.backblazeb2.com")
            self.assertEqual(session.recommended_part_size, 100_000_000)
            self.assertEqual(session.absolute_minimum_part_size, 5_000_000)
            self.assertIn("readFiles", session.capabilities)
            self.assertIsNone(session.buckets)
            self.assertIsNone(session.name_prefix)
            self.assertIsNone(session.key_expires_at)
            self.assertTrue(80_000 < session.seconds_left <= 86_400)
            left = session.expires_at - datetime.datetime.now(datetime.timezone.utc)
            self.assertTrue(datetime.timedelta(hours=23) < left <= datetime.timedelta(hours=24))
            self.assertEqual(json.loads(session.json())["authorizationToken"], session.authorization_token)

    def test_a_restricted_key(self):
        buckets = [{"id": "b1b1", "name": "photos"}, {"id": "b2b2", "name": None}]
        end = datetime.datetime(2035, 5, 17, 3, 33, 20, tzinfo=datetime.timezone.utc)
        key = sandbox.new_key(
            buckets=buckets,
            namePrefix="p/",
            capabilities=["listFiles", "readFiles"],
            expirationTimestamp=int(end.timestamp() * 1000),
        )
        session = b2auth.authorize(*key)
        self.assertEqual(session.buckets, (b2auth.Bucket("b1b1", "photos"), b2auth.Bucket("b2b2", None)))
        self.assertEqual(session.name_prefix, "p/")
        self.assertEqual(session.capabilities, ("listFiles", "readFiles"))
        self.assertEqual(session.key_expires_at, end)
        self.assertEqual(b2auth.authorize(*sandbox.new_key(buckets=[])).buckets, ())

    def test_a_key_is_asked_for_once(self):
        key = sandbox.new_key()
        for _ in range(5):
            b2auth.authorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    def test_a_rejected_session_is_replaced_once(self):
        key = sandbox.new_key()
        first = b2auth.authorize(*key)
        second = b2auth.reauthorize(*key, rejected=first)
        third = b2auth.reauthorize(*key, rejected=first)
        self.assertNotEqual(first.authorization_token, second.authorization_token)
        self.assertEqual(second.authorization_token, third.authorization_token)
        self.assertEqual(sandbox.requests_of(key[0]), 2)
        b2auth.reauthorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 3)

    def test_an_invalidated_session_is_asked_for_again(self):
        key = sandbox.new_key()
        b2auth.authorize(*key).invalidate()
        b2auth.authorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_many(self):
        good, other = sandbox.new_key(), sandbox.new_key()
        outcomes = b2auth.authorize_many([good, (other[0], "K001" + "w" * 27), good, (None, None)])
        self.assertEqual(
            [type(outcome) for outcome in outcomes], [b2auth.Session, b2auth.BadCredentials] + [b2auth.Session] * 2
        )
        self.assertEqual(outcomes[0].authorization_token, outcomes[2].authorization_token)
        self.assertEqual(outcomes[3].account_id, sandbox.ACCOUNT)
        self.assertEqual(outcomes[1].http_status, 401)
        self.assertEqual(b2auth.authorize_many([]), [])

    def test_a_closed_session_is_not_read(self):
        with b2auth.authorize() as session:
            pass
        session.close()
        self.assertRaises(ValueError, getattr, session, "account_id")
        self.assertEqual(repr(session), "<b2auth.Session, closed>")

    def test_a_session_shows_no_token_and_is_not_pickled(self):
        key = sandbox.new_key()
        session = b2auth.authorize(*key)
        for shown in (repr(session), str(session), f"{session!a}"):
            self.assertNotIn(session.authorization_token, shown)
            self.assertNotIn(key[1], shown)
            self.assertIn(session.account_id, shown)
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            for thing in (session, session._handle):
                self.assertRaises(TypeError, attempt, thing)

    def test_counters_and_the_cache(self):
        key = sandbox.new_key()
        b2auth.authorize(*key)
        hits = b2auth.counter("cache_hits")
        b2auth.authorize(*key)
        self.assertEqual(b2auth.counter("cache_hits"), hits + 1)
        self.assertEqual(b2auth.counter("no_such_counter"), 0)
        b2auth.cache_clear()
        b2auth.authorize(*key)
        self.assertEqual(sandbox.requests_of(key[0]), 2)


if __name__ == "__main__":
    unittest.main()
