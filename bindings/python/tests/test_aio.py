"""The calls for asyncio."""

import asyncio
import threading
import unittest

import sandbox

import b2auth
import b2auth.aio


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # In debug mode asyncio prints of what took a tenth of a second.
        asyncio.get_running_loop().slow_callback_duration = 60

    async def held(self):
        """A key whose next request waits at a latch."""
        key = sandbox.new_key()
        sandbox.fail_next(key[0], {"hold": key[0]})
        self.addCleanup(sandbox.release, key[0])
        return key

    async def until_held(self, key):
        await asyncio.get_running_loop().run_in_executor(None, sandbox.wait_until_held, key[0])

    async def test_200_tasks_make_one_request(self):
        key = sandbox.new_key()
        sessions = await asyncio.gather(*(b2auth.aio.authorize(*key) for _ in range(200)))
        self.assertEqual(len({session.authorization_token for session in sessions}), 1)
        self.assertEqual(sandbox.requests_of(key[0]), 1)

    async def test_the_loop_goes_on_while_a_call_waits(self):
        key = await self.held()
        waiting = asyncio.ensure_future(b2auth.aio.authorize(*key))
        await self.until_held(key)
        for _ in range(100):
            await asyncio.sleep(0)
        self.assertFalse(waiting.done())
        sandbox.release(key[0])
        self.assertEqual((await waiting).key_id, key[0])

    async def test_a_call_ends_with_its_task(self):
        key = await self.held()
        waiting = asyncio.ensure_future(b2auth.aio.authorize(*key))
        await self.until_held(key)
        (call,) = b2auth._call._under_way
        waiting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await waiting
        # Not only the task has ended, but the call in the library as well.
        self.assertTrue(call.wait(10))
        self.assertRaises(b2auth.Cancelled, call.result)

    async def test_a_timeout_ends_a_call(self):
        key = await self.held()
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(b2auth.aio.authorize(*key), 0.2)

    async def test_a_cancel_from_another_thread(self):
        key = await self.held()
        cancel = b2auth.Cancel()
        waiting = asyncio.ensure_future(b2auth.aio.authorize(*key, cancel=cancel))
        await self.until_held(key)
        threading.Thread(target=cancel.trigger).start()
        with self.assertRaises(b2auth.Cancelled):
            await waiting

    async def test_the_other_calls_and_errors(self):
        key = sandbox.new_key()
        first = await b2auth.aio.authorize(*key)
        second = await b2auth.aio.reauthorize(*key, rejected=first)
        self.assertNotEqual(first.authorization_token, second.authorization_token)
        wrong = "K001" + "w" * 27
        outcomes = await b2auth.aio.authorize_many([key, (key[0], wrong)])
        self.assertEqual([type(outcome) for outcome in outcomes], [b2auth.Session, b2auth.BadCredentials])
        with self.assertRaises(b2auth.BadCredentials) as caught:
            await b2auth.aio.authorize(key[0], wrong)
        traceback = caught.exception.__traceback__
        while traceback:
            if "b2auth" in traceback.tb_frame.f_globals["__name__"]:
                self.assertNotIn(wrong, repr(traceback.tb_frame.f_locals))
            traceback = traceback.tb_next


class Loops(unittest.TestCase):
    def test_a_loop_that_is_closed_before_its_call_ends(self):
        key = sandbox.new_key()
        sandbox.fail_next(key[0], {"hold": key[0]})
        self.addCleanup(sandbox.release, key[0])
        loop = asyncio.new_event_loop()
        waiting = loop.create_task(b2auth.aio.authorize(*key))

        async def until_held():
            await loop.run_in_executor(None, sandbox.wait_until_held, key[0])

        loop.run_until_complete(until_held())
        waiting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            loop.run_until_complete(waiting)
        calls = tuple(b2auth._call._under_way)
        loop.close()
        for call in calls:
            self.assertTrue(call.wait(10))


if __name__ == "__main__":
    unittest.main()
