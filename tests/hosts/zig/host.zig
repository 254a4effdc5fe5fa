//! b2auth from Zig, by the declarations that `zig translate-c` makes of b2auth.h. Shows what is no secret.
const std = @import("std");
const b2 = @import("b2auth.zig");
const printf = std.c.printf;

/// What is known of a failure; to be freed.
const Failure = struct {
    handle: *b2.b2_error,

    fn message(self: Failure) [*:0]const u8 {
        return b2.b2_error_message(self.handle);
    }

    fn hint(self: Failure) [*:0]const u8 {
        return b2.b2_error_hint(self.handle) orelse "";
    }

    fn status(self: Failure) c_int {
        return @intCast(b2.b2_error_status(self.handle));
    }
};

const Outcome = union(enum) { session: *b2.b2_session, failure: Failure };

fn authorize(key_id: ?[*:0]const u8, key: ?[*:0]const u8) Outcome {
    var session: ?*b2.b2_session = null;
    var failure: ?*b2.b2_error = null;
    if (b2.b2_authorize_with(key_id, key, null, &session, &failure) == b2.B2_OK) return .{ .session = session.? };
    return .{ .failure = .{ .handle = failure.? } };
}

pub fn main() !void {
    _ = printf("version %s\n", b2.b2_library_version());
    switch (authorize(null, null)) {
        .failure => |failure| {
            defer b2.b2_error_free(failure.handle);
            _ = printf("%s\n", failure.message());
            return error.NoSession;
        },
        .session => |session| {
            defer b2.b2_session_free(session);
            _ = printf("account %s\n", b2.b2_session_account_id(session));
            _ = printf("api %s\n", b2.b2_session_api_url(session));
            _ = printf("download %s\n", b2.b2_session_download_url(session));
            const token = std.mem.span(@as([*:0]const u8, b2.b2_session_authorization_token(session)));
            _ = printf("token %s\n", @as([*:0]const u8, if (token.len > 20) "yes" else "no"));
            _ = printf("part %llu\n", b2.b2_session_recommended_part_size(session));
        },
    }

    switch (authorize(std.c.getenv("B2_APPLICATION_KEY_ID"), "K001wrong")) {
        .session => return error.NotWrong,
        .failure => |failure| {
            defer b2.b2_error_free(failure.handle);
            _ = printf("wrong key %d %s\n", failure.status(), b2.b2_status_name(failure.status()));
            _ = printf("message %s\nhint %s\n", failure.message(), failure.hint());
        },
    }

    var response: [*c]u8 = null;
    const status = b2.b2_authorize_json("{\"fields\": \"action\"}", &response);
    defer b2.b2_string_free(response);
    const json = std.mem.span(@as([*:0]const u8, response));
    const known = std.mem.indexOf(u8, json, "\"accountId\":\"4aa9865d6f00\"") != null;
    _ = printf("json %d %s\n", status, @as([*:0]const u8, if (known) "yes" else "no"));
}
