<?php
// b2auth from PHP, whose FFI reads b2auth.cdef.h. Shows what is no secret.
declare(strict_types=1);

final class B2Error extends RuntimeException
{
    public function __construct(public readonly int $status, string $message, public readonly ?string $hint)
    {
        parent::__construct($message, $status);
    }
}

final class B2
{
    public readonly FFI $ffi;

    public function __construct(string $cdef, string $library = 'libb2auth.so.0')
    {
        $this->ffi = FFI::cdef(file_get_contents($cdef), $library);
    }

    /** Calls $use with a session, which is freed afterwards. No stack trace shows the key. */
    public function authorize(?string $keyId, #[SensitiveParameter] ?string $key, callable $use): mixed
    {
        $session = $this->ffi->new('b2_session *');
        $error = $this->ffi->new('b2_error *');
        $status = $this->ffi->b2_authorize_with($keyId, $key, null, FFI::addr($session), FFI::addr($error));
        if ($status !== $this->ffi->B2_OK) {
            try {
                throw new B2Error($status, $this->ffi->b2_error_message($error), $this->ffi->b2_error_hint($error));
            } finally {
                $this->ffi->b2_error_free($error);
            }
        }
        try {
            return $use($this->ffi, $session);
        } finally {
            $this->ffi->b2_session_free($session);
        }
    }

    public function json(array $request): array
    {
        $response = $this->ffi->new('char *');
        $status = $this->ffi->b2_authorize_json(json_encode($request), FFI::addr($response));
        try {
            return [$status, json_decode(FFI::string($response), true, flags: JSON_THROW_ON_ERROR)];
        } finally {
            $this->ffi->b2_string_free($response);
        }
    }
}

$b2 = new B2(getenv('B2AUTH_CDEF'));
echo 'version ', $b2->ffi->b2_library_version(), "\n";

$b2->authorize(null, null, function (FFI $ffi, FFI\CData $session): void {
    echo 'account ', $ffi->b2_session_account_id($session), "\n";
    echo 'api ', $ffi->b2_session_api_url($session), "\n";
    echo 'download ', $ffi->b2_session_download_url($session), "\n";
    echo 'token ', strlen($ffi->b2_session_authorization_token($session)) > 20 ? 'yes' : 'no', "\n";
    echo 'part ', $ffi->b2_session_recommended_part_size($session), "\n";
});

try {
    $b2->authorize(getenv('B2_APPLICATION_KEY_ID'), 'K001wrong', fn () => throw new LogicException('it is not wrong'));
} catch (B2Error $error) {
    echo "wrong key $error->status ", $b2->ffi->b2_status_name($error->status), "\n";
    echo 'message ', $error->getMessage(), "\nhint $error->hint\n";
}

[$status, $answer] = $b2->json(['fields' => 'action']);
echo "json $status ", $answer['accountId'] === '4aa9865d6f00' ? 'yes' : 'no', "\n";
