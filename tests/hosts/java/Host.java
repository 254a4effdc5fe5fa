// b2auth from Java 22 and later, by java.lang.foreign. Shows what is no secret.
import static java.lang.foreign.ValueLayout.*;

import java.lang.foreign.*;
import java.lang.invoke.MethodHandle;

public class Host {
    static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup("libb2auth.so.0", Arena.global());

    static MethodHandle function(String name, MemoryLayout returned, MemoryLayout... taken) {
        FunctionDescriptor type = returned == null ? FunctionDescriptor.ofVoid(taken) : FunctionDescriptor.of(returned, taken);
        return Linker.nativeLinker().downcallHandle(LIBRARY.find(name).orElseThrow(), type);
    }

    static final MethodHandle AUTHORIZE = function("b2_authorize_with", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle JSON = function("b2_authorize_json", JAVA_INT, ADDRESS, ADDRESS);

    /** The text that a getter gives for a handle, or null. */
    static String text(String getter, Object... handle) throws Throwable {
        MethodHandle function = handle.length == 0 ? function(getter, ADDRESS) : function(getter, ADDRESS, ADDRESS);
        return text((MemorySegment) function.invokeWithArguments(handle));
    }

    static String text(MemorySegment text) {
        return text.equals(MemorySegment.NULL) ? null : text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    static class B2Exception extends Exception {
        final int status;
        final String hint;

        B2Exception(int status, MemorySegment error) throws Throwable {
            super(text("b2_error_message", error));
            this.status = status;
            this.hint = text("b2_error_hint", error);
            function("b2_error_free", null, ADDRESS).invoke(error);
        }
    }

    /** A session that lives as long as the arena. */
    static MemorySegment authorize(Arena arena, String keyId, String key) throws Throwable {
        MemorySegment session = arena.allocate(ADDRESS), error = arena.allocate(ADDRESS);
        MemorySegment id = keyId == null ? MemorySegment.NULL : arena.allocateFrom(keyId);
        MemorySegment secret = key == null ? MemorySegment.NULL : arena.allocateFrom(key);
        int status = (int) AUTHORIZE.invoke(id, secret, MemorySegment.NULL, session, error);
        if (status != 0) throw new B2Exception(status, error.get(ADDRESS, 0));
        MethodHandle free = function("b2_session_free", null, ADDRESS);
        return session.get(ADDRESS, 0).reinterpret(arena, handle -> {
            try { free.invoke(handle); } catch (Throwable impossible) { throw new AssertionError(impossible); }
        });
    }

    public static void main(String[] arguments) throws Throwable {
        System.out.println("version " + text("b2_library_version"));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment session = authorize(arena, null, null);
            System.out.println("account " + text("b2_session_account_id", session));
            System.out.println("api " + text("b2_session_api_url", session));
            System.out.println("download " + text("b2_session_download_url", session));
            System.out.println("token " + (text("b2_session_authorization_token", session).length() > 20 ? "yes" : "no"));
            long part = (long) function("b2_session_recommended_part_size", JAVA_LONG, ADDRESS).invoke(session);
            System.out.println("part " + Long.toUnsignedString(part));

            try {
                authorize(arena, System.getenv("B2_APPLICATION_KEY_ID"), "K001wrong");
            } catch (B2Exception error) {
                String name = text((MemorySegment) function("b2_status_name", ADDRESS, JAVA_INT).invoke(error.status));
                System.out.println("wrong key " + error.status + " " + name + "\nmessage " + error.getMessage() + "\nhint " + error.hint);
            }
            MemorySegment response = arena.allocate(ADDRESS);
            int status = (int) JSON.invoke(arena.allocateFrom("{\"fields\": \"action\"}"), response);
            String json = text(response.get(ADDRESS, 0));
            function("b2_string_free", null, ADDRESS).invoke(response.get(ADDRESS, 0));
            System.out.println("json " + status + " " + (json.contains("\"accountId\":\"4aa9865d6f00\"") ? "yes" : "no"));
        }
    }
}
