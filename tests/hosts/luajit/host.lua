-- b2auth from LuaJIT, whose FFI reads b2auth.cdef.h. Shows what is no secret.
local ffi = require("ffi")

local header = assert(io.open(assert(os.getenv("B2AUTH_CDEF"))))
ffi.cdef(header:read("*a"))
header:close()
local b2 = ffi.load("b2auth")

local function text(pointer)
  if pointer ~= nil then return ffi.string(pointer) end
end

-- A session, freed when it is collected; or nil and the error, likewise.
local function authorize(key_id, key, options)
  local session, failure = ffi.new("b2_session *[1]"), ffi.new("b2_error *[1]")
  if b2.b2_authorize_with(key_id, key, options, session, failure) == b2.B2_OK then
    return ffi.gc(session[0], b2.b2_session_free)
  end
  return nil, ffi.gc(failure[0], b2.b2_error_free)
end

print("version " .. text(b2.b2_library_version()))

local session, failure = authorize()
if not session then error(text(b2.b2_error_message(failure))) end
print("account " .. text(b2.b2_session_account_id(session)))
print("api " .. text(b2.b2_session_api_url(session)))
print("download " .. text(b2.b2_session_download_url(session)))
print("token " .. (#text(b2.b2_session_authorization_token(session)) > 20 and "yes" or "no"))
-- A uint64_t is a cdata, which prints with a suffix.
print("part " .. tostring(b2.b2_session_recommended_part_size(session)):gsub("ULL$", ""))

session, failure = authorize(os.getenv("B2_APPLICATION_KEY_ID"), "K001wrong")
assert(session == nil)
local status = tonumber(b2.b2_error_status(failure))
print(("wrong key %d %s"):format(status, text(b2.b2_status_name(status))))
print("message " .. text(b2.b2_error_message(failure)))
print("hint " .. text(b2.b2_error_hint(failure)))

local out = ffi.new("char *[1]")
status = tonumber(b2.b2_authorize_json('{"fields": "action"}', out))
local json = text(out[0])
b2.b2_string_free(out[0])
print(("json %d %s"):format(status, json:find('"accountId":"4aa9865d6f00"', 1, true) and "yes" or "no"))
