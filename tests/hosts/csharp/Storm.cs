// What .NET does to a thread that is in the library: collections, finalizers, delegates that the library's threads call, and the
// end of the process. With the declarations of Host.cs. Prints a line for each.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

delegate void LogFunction(IntPtr userData, int level, IntPtr message);

static class Storm
{
    const string B2 = "b2auth";
    [DllImport(B2)] static extern int b2_authorize_with(string keyId, string key, Options options, out Session session, IntPtr error);
    [DllImport(B2)] static extern int b2_reauthorize(string keyId, string key, Session rejected, Options options, out Session session, IntPtr error);
    [DllImport(B2)] static extern int b2_authorize_many(string[] keyIds, string[] keys, UIntPtr count, Options options, IntPtr[] sessions, IntPtr errors);
    [DllImport(B2)] static extern IntPtr b2_options_new();
    [DllImport(B2)] static extern int b2_options_set(Options options, string name, string value, IntPtr error);
    [DllImport(B2)] static extern void b2_options_set_log(Options options, LogFunction log, IntPtr userData, IntPtr release);
    [DllImport(B2)] static extern void b2_options_set_cancel(Options options, IntPtr cancel);
    [DllImport(B2)] public static extern void b2_options_free(IntPtr options);
    [DllImport(B2)] static extern IntPtr b2_cancel_new();
    [DllImport(B2)] static extern void b2_cancel_trigger(IntPtr cancel);
    [DllImport(B2)] static extern void b2_cancel_free(IntPtr cancel);
    [DllImport(B2)] static extern ulong b2_counter(string name);

    sealed class Options : SafeHandle
    {
        public LogFunction Kept { get; private set; } // what the library holds, the collector does not see
        public Options(params string[] settings) : base(IntPtr.Zero, true)
        {
            SetHandle(b2_options_new());
            for (int i = 0; i < settings.Length; i += 2)
                Check(b2_options_set(this, settings[i], settings[i + 1], IntPtr.Zero) == 0, "an option");
        }
        public Options Log(LogFunction log) { Kept = log; b2_options_set_log(this, log, IntPtr.Zero, IntPtr.Zero); return this; }
        public override bool IsInvalid => handle == IntPtr.Zero;
        protected override bool ReleaseHandle() { b2_options_free(handle); return true; }
    }

    static readonly string KeyId = Environment.GetEnvironmentVariable("B2_APPLICATION_KEY_ID");
    static long heard, strangers;
    static int caller;

    static void Check(bool good, string what) { if (!good) throw new Exception(what); }

    static void Heard(IntPtr userData, int level, IntPtr message)
    {
        Check(Native.Text(message).Length > 0, "a message");
        Interlocked.Increment(ref heard);
        if (Thread.CurrentThread.ManagedThreadId != caller) Interlocked.Increment(ref strangers);
    }

    static Options Alone() => new Options("cache", "bypass", "rate_limit_per_minute", "0", "concurrency", "8");

    static Session Authorize(Options options)
    {
        int status = b2_authorize_with(null, null, options, out Session session, IntPtr.Zero);
        Check(status == 0, "authorize: " + status);
        return session;
    }

    // Keys that differ, since equal ones are one request.
    static int Many(Options options, int count)
    {
        var keys = Enumerable.Range(0, count).Select(place => "K001wrong" + place).ToArray();
        return b2_authorize_many(Enumerable.Repeat(KeyId, count).ToArray(), keys, (UIntPtr)count, options, new IntPtr[count], IntPtr.Zero);
    }

    static string Ask(string where, string body = null)
    {
        string url = Environment.GetEnvironmentVariable("B2_SANDBOX") + "/" + where;
        using (var client = new WebClient { Proxy = null }) return body == null ? client.DownloadString(url) : client.UploadString(url, body);
    }
    static void Script(string faults) => Ask("script", "{\"keyId\": \"" + KeyId + "\", \"faults\": [" + faults + "]}");
    static void Release(string latch) => Ask("release", "{\"latch\": \"" + latch + "\"}");
    static void UntilHeld(string latch, int count = 1) =>
        Check(Ask("held?latch=" + latch + "&atLeast=" + count + "&timeoutMs=30000").Contains(" " + count), "no request came");

    static Thread Started(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    static void Collections()
    {
        int stop = 0;
        var collector = Started(() => { while (Volatile.Read(ref stop) == 0) { GC.Collect(); GC.WaitForPendingFinalizers(); } });
        ulong before = b2_counter("requests");
        var log = new Options().Log(Heard);
        var failures = new List<Exception>();
        var threads = Enumerable.Range(0, 16).Select(number => Started(() =>
        {
            try
            {
                for (int turn = 0; turn < 200; turn++)
                    Check(Authorize(number % 4 == 0 ? log : new Options()).AccountId == "4aa9865d6f00", "another account");
            }
            catch (Exception error) { lock (failures) failures.Add(error); }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Volatile.Write(ref stop, 1);
        collector.Join();
        Check(failures.Count == 0, string.Join("\n", failures));
        Check(b2_counter("requests") - before == 1, "requests for 3200 calls: " + (b2_counter("requests") - before));
        Check(Interlocked.Read(ref heard) >= 800, "messages: " + heard);
    }

    static void Batch()
    {
        caller = Thread.CurrentThread.ManagedThreadId;
        strangers = 0;
        // None in the batch: Mono can wait for ever if threads that it learnt of in a delegate end while it collects.
        GC.Collect();
        Check(Many(Alone().Log(Heard), 32) == 3, "wrong keys were accepted");
        Check(strangers > 0, "no thread but the caller's called back");
    }

    static void Waiting()
    {
        var options = Alone();
        IntPtr cancel = b2_cancel_new();
        b2_options_set_cancel(options, cancel);
        Script("{\"hold\": \"csharp-waiting\"}");
        int status = -1;
        var call = Started(() => status = b2_authorize_with(null, null, options, out Session _, IntPtr.Zero));
        UntilHeld("csharp-waiting");
        for (int turn = 0; turn < 10; turn++) GC.Collect();
        Check(call.IsAlive, "the call ended by itself");
        b2_cancel_trigger(cancel);
        Check(call.Join(10000) && status == 12, "it was not cancelled: " + status);
        b2_cancel_free(cancel);
        Release("csharp-waiting");
    }

    // The call is what uses the session last.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Again(WeakReference[] seen, Options options)
    {
        var session = Authorize(options);
        seen[0] = new WeakReference(session, true); // until it is finalized, not only unreachable
        int status = b2_reauthorize(null, null, session, options, out Session second, IntPtr.Zero);
        if (status == 0) Check(second.AuthorizationToken.StartsWith("4_"), "a token that is gone");
        return status;
    }

    static void Collected()
    {
        var options = Alone();
        for (int turn = 0; turn < 100; turn++)
        {
            Check(Authorize(options).AuthorizationToken.StartsWith("4_"), "a token that is gone");
            GC.Collect();
        }
        Script("{}, {\"hold\": \"csharp-collected\"}");
        int status = -1;
        var seen = new WeakReference[1];
        var call = Started(() => status = Again(seen, options));
        UntilHeld("csharp-collected");
        for (int turn = 0; turn < 10; turn++) { GC.Collect(); GC.WaitForPendingFinalizers(); }
        Check(seen[0].Target != null, "a session was freed that a call used");
        Release("csharp-collected");
        call.Join();
        Check(status == 0, "the call failed: " + status);
    }

    // At its exit Mono waits for ever for some threads that are in native code or in a delegate, so calls are ended before.
    static void Exit()
    {
        IntPtr cancel = b2_cancel_new();
        var options = Alone().Log(Heard);
        b2_options_set_cancel(options, cancel);
        var threads = Enumerable.Range(0, 8).Select(number => Started(() =>
        {
            while (b2_authorize_with(null, null, options, out Session _, IntPtr.Zero) == 0) { }
        })).ToList();
        AppDomain.CurrentDomain.ProcessExit += (sender, arguments) =>
        {
            b2_cancel_trigger(cancel);
            threads.ForEach(thread => thread.Join());
        };
        while (Interlocked.Read(ref heard) < 100) Thread.Yield();
        Script("{\"times\": 8, \"hold\": \"csharp-exit\"}");
        UntilHeld("csharp-exit", 8);
        Environment.Exit(7);
    }

    static void Main(string[] arguments)
    {
        if (arguments.Length > 0) Exit();
        Collections();
        Console.WriteLine("16 threads share one request while collections and finalizers never cease");
        Batch();
        Console.WriteLine("threads of the library's own call a delegate");
        Waiting();
        Console.WriteLine("a call that waits holds up no collection, and is cancelled from another thread");
        Collected();
        Console.WriteLine("a session is freed after its last call, not in it");
    }
}
