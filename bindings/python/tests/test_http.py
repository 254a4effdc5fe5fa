"""Authentication for requests and httpx, against the sandbox's own check of tokens."""

import io
import pickle
import tempfile
import unittest

import sandbox

import b2auth

try:
    import requests

    import b2auth.requests
except ImportError:
    requests = None
try:
    import httpx

    import b2auth.httpx
except ImportError:
    httpx = None

LIST = sandbox.REALM + "/b2api/v4/b2_list_buckets"


def expire(key):
    sandbox.ask("expire", {"keyId": key[0]})


class Library:
    """The same tests for both libraries."""

    def test_a_token_is_added_and_a_dead_one_replaced(self):
        key = sandbox.new_key()
        account = b2auth.authorize(*key).account_id
        with self.client(key) as client:
            self.assertEqual(self.post(client, LIST, {"accountId": account}), 200)
            self.assertEqual(sandbox.requests_of(key[0]), 1)
            expire(key)
            self.assertEqual(self.post(client, LIST, {"accountId": account}), 200)
            self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_a_body_that_cannot_be_sent_again_is_not(self):
        key = sandbox.new_key()
        account = b2auth.authorize(*key).account_id
        body = b'{"accountId": "%s"}' % account.encode()
        with self.client(key) as client:
            expire(key)
            self.assertEqual(self.post_raw(client, LIST, iter([body])), 401)
            # The next one has a new token all the same.
            self.assertEqual(self.post_raw(client, LIST, iter([body])), 200)
        self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_a_refusal_that_no_token_cures_is_handed_on(self):
        key = sandbox.new_key(capabilities=["readFiles"])
        account = b2auth.authorize(*key).account_id
        with self.client(key) as client:
            self.assertEqual(self.post(client, LIST, {"accountId": account}), 401)
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    def test_it_tries_once_only(self):
        key = sandbox.new_key()
        session = b2auth.authorize(*key)
        expire(key)
        # The new token is none that the server knows.
        sandbox.fail_next(key[0], {"patch": [{"merge": {"authorizationToken": "4_unknown"}}]})
        with self.client(key) as client:
            before = len(sandbox.ask("log"))
            self.assertEqual(self.post(client, LIST, {"accountId": session.account_id}), 401)
            calls = [entry for entry in sandbox.ask("log")[before:] if "b2_list_buckets" in entry["path"]]
        self.assertEqual(len(calls), 2)

    def test_the_token_goes_to_b2_alone(self):
        key = sandbox.new_key()
        token = b2auth.authorize(*key).authorization_token
        with self.client(key) as client:
            sent = self.request_to(
                client, sandbox.REALM.replace("127.0.0.1", "localhost") + "/b2api/v4/b2_list_buckets"
            )
        self.assertNotIn(token, repr(dict(sent)))

    def test_it_shows_no_key(self):
        key = sandbox.new_key()
        auth = self.auth(key)
        self.assertNotIn(key[1], repr(auth))
        self.assertRaises(TypeError, pickle.dumps, auth)


@unittest.skipUnless(requests, "there is no requests here")
class Requests(Library, unittest.TestCase):
    def auth(self, key):
        return b2auth.requests.B2Auth(*key)

    def client(self, key):
        session = requests.Session()
        session.trust_env = False
        session.auth = self.auth(key)
        return session

    def post(self, client, url, body):
        return client.post(url, json=body).status_code

    def post_raw(self, client, url, body):
        return client.post(url, data=body).status_code

    def request_to(self, client, url):
        return client.post(url, json={}).request.headers

    def test_a_file_is_sent_again_from_where_it_began(self):
        for open_file in (io.BytesIO, as_file):
            key = sandbox.new_key()
            account = b2auth.authorize(*key).account_id
            body = open_file(b'skipped{"accountId": "%s"}' % account.encode())
            body.seek(len("skipped"))
            expire(key)
            with self.client(key) as client, body:
                self.assertEqual(self.post_raw(client, LIST, body), 200)
            self.assertEqual(sandbox.requests_of(key[0]), 2)

    def test_the_first_answer_is_in_the_history(self):
        key = sandbox.new_key()
        account = b2auth.authorize(*key).account_id
        expire(key)
        with self.client(key) as client:
            response = client.post(LIST, json={"accountId": account})
        self.assertEqual([earlier.status_code for earlier in response.history], [401])


def as_file(content):
    file = tempfile.TemporaryFile()
    file.write(content)
    return file


@unittest.skipUnless(httpx, "there is no httpx here")
class Httpx(Library, unittest.TestCase):
    def auth(self, key):
        return b2auth.httpx.B2Auth(*key)

    def client(self, key):
        return httpx.Client(auth=self.auth(key), trust_env=False)

    def post(self, client, url, body):
        return client.post(url, json=body).status_code

    def post_raw(self, client, url, body):
        return client.post(url, content=body).status_code

    def request_to(self, client, url):
        return client.post(url, json={}).request.headers

    def test_a_client_for_asyncio(self):
        import asyncio

        key = sandbox.new_key()
        account = b2auth.authorize(*key).account_id

        async def main():
            async with httpx.AsyncClient(auth=self.auth(key), trust_env=False) as client:
                expire(key)
                responses = [await client.post(LIST, json={"accountId": account}) for _ in range(2)]

                async def body():
                    yield b'{"accountId": "%s"}' % account.encode()

                expire(key)
                responses.append(await client.post(LIST, content=body()))
                responses.append(await client.post(LIST, content=body()))
                return [response.status_code for response in responses]

        self.assertEqual(asyncio.run(main()), [200, 200, 401, 200])
        self.assertEqual(sandbox.requests_of(key[0]), 3)


if __name__ == "__main__":
    unittest.main()
