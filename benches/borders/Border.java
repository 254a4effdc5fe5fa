import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Scanner;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

/** The calls of border.c by java.lang.foreign. */
class Border {
    static final Arena ARENA = Arena.global();
    static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup(System.getenv("B2AUTH_LIBRARY"), ARENA);
    static final MethodHandle AUTHORIZE =
            function("b2_authorize", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
    static final MethodHandle FREE = function("b2_session_free", FunctionDescriptor.ofVoid(ADDRESS));
    static final MethodHandle API_URL = function("b2_session_api_url", FunctionDescriptor.of(ADDRESS, ADDRESS));
    static final MemorySegment ID = ARENA.allocateFrom(System.getenv("B2_APPLICATION_KEY_ID"));
    static final MemorySegment KEY = ARENA.allocateFrom(System.getenv("B2_APPLICATION_KEY"));

    static MethodHandle function(String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(LIBRARY.find(name).orElseThrow(), type);
    }

    static MemorySegment authorize() throws Throwable {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ADDRESS);
            int status = (int) AUTHORIZE.invokeExact(ID, KEY, out);
            if (status != 0) throw new IllegalStateException("status " + status);
            return out.get(ADDRESS, 0);
        }
    }

    static void calls(int count) throws Throwable {
        for (int i = 0; i < count; i++) FREE.invokeExact(authorize());
    }

    static void getters(MemorySegment session, int count) throws Throwable {
        for (int i = 0; i < count; i++) {
            MemorySegment url = (MemorySegment) API_URL.invokeExact(session);
            if (url.reinterpret(Long.MAX_VALUE).getString(0).charAt(0) != 'h') throw new IllegalStateException("no URL");
        }
    }

    public static void main(String[] arguments) throws Throwable {
        MemorySegment session = authorize();
        Scanner in = new Scanner(System.in);
        while (in.hasNext()) {
            boolean call = in.next().equals("call");
            int count = in.nextInt();
            long begin = System.nanoTime();
            if (call) calls(count);
            else getters(session, count);
            System.out.printf("%.1f%n", (double) (System.nanoTime() - begin) / count);
        }
    }
}
