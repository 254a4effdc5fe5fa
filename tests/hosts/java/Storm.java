// What the Java runtime does to a thread that is in the library: safepoints, collections of what a call still uses, calls of Java
// code by the library's threads, and the end of the process. Prints a line for each; to be run with -Xcheck:jni as well.
import static java.lang.foreign.ValueLayout.*;

import java.lang.foreign.*;
import java.lang.invoke.*;
import java.net.URI;
import java.net.http.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class Storm {
    static final Linker LINKER = Linker.nativeLinker();
    static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup("libb2auth.so.0", Arena.global());
    static final MemorySegment NONE = MemorySegment.NULL;
    static final String KEY_ID = System.getenv("B2_APPLICATION_KEY_ID"), ACCOUNT = "4aa9865d6f00";

    static MethodHandle function(String name, MemoryLayout returned, MemoryLayout... taken) {
        FunctionDescriptor type = returned == null ? FunctionDescriptor.ofVoid(taken) : FunctionDescriptor.of(returned, taken);
        return LINKER.downcallHandle(LIBRARY.find(name).orElseThrow(), type);
    }

    static final MethodHandle AUTHORIZE = function("b2_authorize_with", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle REAUTHORIZE = function("b2_reauthorize", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle MANY = function("b2_authorize_many", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle ACCOUNT_ID = function("b2_session_account_id", ADDRESS, ADDRESS);
    static final MethodHandle TOKEN = function("b2_session_authorization_token", ADDRESS, ADDRESS);
    static final MethodHandle FREE = function("b2_session_free", null, ADDRESS);
    static final MethodHandle OPTIONS_NEW = function("b2_options_new", ADDRESS);
    static final MethodHandle OPTIONS_SET = function("b2_options_set", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle OPTIONS_FREE = function("b2_options_free", null, ADDRESS);
    static final MethodHandle SET_LOG = function("b2_options_set_log", null, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle SET_CANCEL = function("b2_options_set_cancel", null, ADDRESS, ADDRESS);
    static final MethodHandle CANCEL_NEW = function("b2_cancel_new", ADDRESS);
    static final MethodHandle TRIGGER = function("b2_cancel_trigger", null, ADDRESS);
    static final MethodHandle CANCEL_FREE = function("b2_cancel_free", null, ADDRESS);
    static final MethodHandle COUNTER = function("b2_counter", JAVA_LONG, ADDRESS);

    static final int BAD_CREDENTIALS = 3, CANCELLED = 12;
    static final AtomicLong freed = new AtomicLong(), heard = new AtomicLong(), strangers = new AtomicLong();
    // The thread that makes the batch; all others that report in it are the library's.
    static final Set<Long> ours = Set.of(Thread.currentThread().threadId());

    static String text(MemorySegment text) { return text.reinterpret(4096).getString(0); }

    static MemorySegment options(Arena arena, String... settings) throws Throwable {
        MemorySegment options = (MemorySegment) OPTIONS_NEW.invoke();
        for (int i = 0; i < settings.length; i += 2) {
            int status = (int) OPTIONS_SET.invoke(options, arena.allocateFrom(settings[i]), arena.allocateFrom(settings[i + 1]), NONE);
            check(status == 0, "an option");
        }
        return options.reinterpret(arena, handle -> quietly(OPTIONS_FREE, handle));
    }

    // A session that goes with its arena; with one that is `ofAuto` the collector frees it.
    static MemorySegment owned(MemorySegment out, Arena owner) {
        return out.get(ADDRESS, 0).reinterpret(owner, handle -> { freed.incrementAndGet(); quietly(FREE, handle); });
    }

    static void quietly(MethodHandle function, MemorySegment handle) {
        try { function.invoke(handle); } catch (Throwable impossible) { throw new AssertionError(impossible); }
    }

    static MemorySegment authorize(Arena owner, MemorySegment options) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            int status = (int) AUTHORIZE.invoke(NONE, NONE, options, out, NONE);
            check(status == 0, "authorize: " + status);
            return owned(out, owner);
        }
    }

    static void check(boolean good, String what) { if (!good) throw new AssertionError(what); }

    static final HttpClient HTTP = HttpClient.newHttpClient();

    static String ask(String where, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(System.getenv("B2_SANDBOX") + "/" + where));
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    static void hold(String latch) throws Exception {
        ask("script", "{\"keyId\": \"" + KEY_ID + "\", \"faults\": [{\"hold\": \"" + latch + "\"}]}");
    }

    static void release(String latch) throws Exception { ask("release", "{\"latch\": \"" + latch + "\"}"); }

    static void untilHeld(String latch) throws Exception {
        String answer = ask("held?latch=" + latch + "&atLeast=1&timeoutMs=30000", null);
        check(!answer.matches("(?s).*\"held\": *0.*"), "no request came: " + answer);
    }

    static long requests(Arena arena) throws Throwable { return (long) COUNTER.invoke(arena.allocateFrom("requests")); }

    // The library's own threads and the callers' call this, and so become known to the runtime while they do.
    static void log(MemorySegment userData, int level, MemorySegment message) {
        check(text(message).length() > 0 && level >= 1 && level <= 4, "a message");
        heard.incrementAndGet();
        if (!ours.contains(Thread.currentThread().threadId())) strangers.incrementAndGet();
    }

    static MemorySegment logged(Arena arena, String... settings) throws Throwable {
        MemorySegment options = options(arena, settings);
        MethodHandle target = MethodHandles.lookup().findStatic(Storm.class, "log",
            MethodType.methodType(void.class, MemorySegment.class, int.class, MemorySegment.class));
        MemorySegment stub = LINKER.upcallStub(target, FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS), arena);
        SET_LOG.invoke(options, stub, NONE, NONE);
        return options;
    }

    // Keys that differ, since equal ones are one request.
    static int many(MemorySegment options, int count) throws Throwable {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment ids = own.allocate(ADDRESS, count), keys = own.allocate(ADDRESS, count), out = own.allocate(ADDRESS, count);
            for (int place = 0; place < count; place++) {
                ids.setAtIndex(ADDRESS, place, own.allocateFrom(KEY_ID));
                keys.setAtIndex(ADDRESS, place, own.allocateFrom("K001wrong" + place));
            }
            int status = (int) MANY.invoke(ids, keys, (long) count, options, out, NONE);
            for (int place = 0; place < count; place++) FREE.invoke(out.getAtIndex(ADDRESS, place));
            return status;
        }
    }

    static void virtualThreads() throws Throwable {
        AtomicBoolean stop = new AtomicBoolean();
        Thread collector = Thread.ofPlatform().start(() -> { while (!stop.get()) System.gc(); });
        try (Arena arena = Arena.ofShared(); ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            MemorySegment logged = logged(arena);
            long before = requests(arena);
            List<Future<?>> all = new ArrayList<>();
            for (int thread = 0; thread < 200; thread++) {
                MemorySegment used = thread % 4 == 0 ? logged : NONE;
                all.add(threads.submit(() -> {
                    try {
                        for (int turn = 0; turn < 100; turn++) {
                            MemorySegment session = authorize(Arena.ofAuto(), used);
                            check(text((MemorySegment) ACCOUNT_ID.invoke(session)).equals(ACCOUNT), "another account");
                        }
                    } catch (Throwable error) { throw new CompletionException(error); }
                }));
            }
            for (Future<?> each : all) each.get();
            check(requests(arena) - before == 1, "requests for 20000 calls: " + (requests(arena) - before));
            check(heard.get() >= 5000, "messages: " + heard);
        } finally {
            stop.set(true);
            collector.join();
        }
    }

    static void batch() throws Throwable {
        try (Arena arena = Arena.ofShared()) {
            strangers.set(0);
            MemorySegment options = logged(arena, "cache", "bypass", "rate_limit_per_minute", "0", "concurrency", "8");
            check(many(options, 32) == BAD_CREDENTIALS, "wrong keys were accepted");
            check(strangers.get() > 0, "no thread but the caller's called Java");
        }
    }

    // A thread that waits in the library keeps no collection from its safepoint, and a cancel from another one ends it.
    static void safepoints() throws Throwable {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment options = options(arena, "cache", "bypass", "rate_limit_per_minute", "0");
            MemorySegment cancel = (MemorySegment) CANCEL_NEW.invoke();
            SET_CANCEL.invoke(options, cancel);
            hold("safepoint");
            FutureTask<Integer> call = started(() -> {
                try (Arena own = Arena.ofConfined()) {
                    return (int) AUTHORIZE.invoke(NONE, NONE, options, own.allocate(ADDRESS), NONE);
                }
            });
            untilHeld("safepoint");
            for (int turn = 0; turn < 10; turn++) System.gc();
            Thread.getAllStackTraces();
            check(!call.isDone(), "the call ended by itself");
            TRIGGER.invoke(cancel);
            check(call.get(10, TimeUnit.SECONDS) == CANCELLED, "it was not cancelled");
            CANCEL_FREE.invoke(cancel);
            release("safepoint");
        }
    }

    // A session whose last use is a call: the collector frees it after that call, not in it.
    static void collected() throws Throwable {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment options = options(arena, "cache", "bypass", "rate_limit_per_minute", "0");
            long before = freed.get();
            for (int turn = 0; turn < 100; turn++) {
                check(text((MemorySegment) TOKEN.invoke(authorize(Arena.ofAuto(), options))).startsWith("4_"), "a token that is gone");
                System.gc();
            }
            untilFreed(before + 90);

            ask("script", "{\"keyId\": \"" + KEY_ID + "\", \"faults\": [{}, {\"hold\": \"collected\"}]}");
            FutureTask<Integer> call = started(() -> again(authorize(Arena.ofAuto(), options), options));
            untilHeld("collected");
            long sofar = settled();
            for (int turn = 0; turn < 10; turn++) System.gc();
            check(settled() == sofar, "a session was freed that a call used");
            release("collected");
            check(call.get() == 0, "the call failed");
            untilFreed(sofar + 1);
        }
    }

    // An arena that is closed while a call uses its session: Java refuses.
    static void closed() throws Throwable {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment options = options(arena, "cache", "bypass", "rate_limit_per_minute", "0");
            Arena owner = Arena.ofShared();
            MemorySegment session = authorize(owner, options);
            hold("closed");
            FutureTask<Integer> call = started(() -> again(session, options));
            untilHeld("closed");
            boolean refused = false;
            try { owner.close(); } catch (IllegalStateException expected) { refused = true; }
            check(refused, "an arena was closed that a call used");
            release("closed");
            check(call.get() == 0, "the call failed");
            owner.close();
        }
    }

    static int again(MemorySegment rejected, MemorySegment options) throws Throwable {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment out = own.allocate(ADDRESS);
            int status = (int) REAUTHORIZE.invoke(NONE, NONE, rejected, options, out, NONE);
            if (status == 0) FREE.invoke(out.get(ADDRESS, 0));
            return status;
        }
    }

    interface Body { int run() throws Throwable; }

    static FutureTask<Integer> started(Body body) {
        FutureTask<Integer> task = new FutureTask<>(() -> {
            try { return body.run(); } catch (Throwable error) { throw new CompletionException(error); }
        });
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    static void untilFreed(long count) {
        for (long end = System.nanoTime() + 30_000_000_000L; freed.get() < count;) {
            check(System.nanoTime() < end, "freed: " + freed + " of " + count);
            System.gc();
        }
    }

    // How many are freed once the collector has no more to free.
    static long settled() throws InterruptedException {
        long last;
        do {
            last = freed.get();
            System.gc();
            Thread.sleep(100);
        } while (freed.get() != last);
        return last;
    }

    // The process ends while threads are in calls, and in the log function that these call.
    static void exit() throws Throwable {
        Arena arena = Arena.global();
        MemorySegment options = logged(arena, "cache", "bypass", "rate_limit_per_minute", "0");
        for (int thread = 0; thread < 8; thread++) {
            started(() -> {
                for (;;) many(options, 4);
            });
        }
        while (heard.get() < 100) Thread.onSpinWait();
        hold("exit");
        untilHeld("exit");
        System.exit(7);
    }

    public static void main(String[] arguments) throws Throwable {
        if (arguments.length > 0) exit();
        virtualThreads();
        System.out.println("200 virtual threads share one request while collections never cease");
        batch();
        System.out.println("threads of the library's own call Java");
        safepoints();
        System.out.println("a call that waits holds up no safepoint, and is cancelled from another thread");
        collected();
        System.out.println("a session is collected after its last call, not in it");
        closed();
        System.out.println("an arena is not closed while a call uses its session");
    }
}
