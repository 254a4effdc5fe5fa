# b2auth from Ruby, by Fiddle. Shows what is no secret.
require "fiddle/import"
require "json"

module B2
  extend Fiddle::Importer
  dlload "libb2auth.so.0"
  typealias "uint64_t", "unsigned long long"

  extern "const char *b2_library_version()"
  extern "const char *b2_status_name(int)"
  extern "int b2_authorize_with(const char *, const char *, void *, void *, void *)"
  extern "int b2_authorize_json(const char *, void *)"
  extern "void b2_string_free(void *)"
  %w[account_id api_url download_url authorization_token].each { |name| extern "const char *b2_session_#{name}(void *)" }
  extern "uint64_t b2_session_recommended_part_size(void *)"
  extern "void b2_session_free(void *)"
  extern "const char *b2_error_message(void *)"
  extern "const char *b2_error_hint(void *)"
  extern "void b2_error_free(void *)"

  class Error < StandardError
    attr_reader :status, :hint

    def initialize(status, error)
      @status = status
      hint = B2.b2_error_hint(error)
      @hint = hint.to_s unless hint.null?
      super(B2.b2_error_message(error).to_s)
    ensure
      B2.b2_error_free(error)
    end
  end

  # A place for a pointer that the library writes.
  def self.out = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)

  def self.authorize(key_id = nil, key = nil)
    session, error = out, out
    status = b2_authorize_with(key_id, key, nil, session, error)
    raise Error.new(status, error.ptr) unless status.zero?
    yield session.ptr
  ensure
    b2_session_free(session.ptr) if status == 0
  end

  def self.json(request)
    response = out
    status = b2_authorize_json(request, response)
    [status, JSON.parse(response.ptr.to_s)]
  ensure
    b2_string_free(response.ptr)
  end
end

puts "version #{B2.b2_library_version}"
B2.authorize do |session|
  puts "account #{B2.b2_session_account_id(session)}"
  puts "api #{B2.b2_session_api_url(session)}"
  puts "download #{B2.b2_session_download_url(session)}"
  puts "token #{B2.b2_session_authorization_token(session).to_s.size > 20 ? "yes" : "no"}"
  puts "part #{B2.b2_session_recommended_part_size(session)}"
end

begin
  B2.authorize(ENV["B2_APPLICATION_KEY_ID"], "K001wrong") { raise "it is not wrong" }
rescue B2::Error => error
  puts "wrong key #{error.status} #{B2.b2_status_name(error.status)}", "message #{error.message}", "hint #{error.hint}"
end

status, answer = B2.json('{"fields": "action"}')
puts "json #{status} #{answer["accountId"] == "4aa9865d6f00" ? "yes" : "no"}"
