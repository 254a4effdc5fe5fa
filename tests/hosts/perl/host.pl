# b2auth from Perl, by FFI::Platypus. Shows what is no secret.
use v5.20;
use warnings;
use FFI::Platypus 1.00;
use JSON::PP;

my $ffi = FFI::Platypus->new( api => 1, lib => [ $ENV{B2AUTH_LIBRARY} // "libb2auth.so.0" ] );
$ffi->attach( b2_library_version => [] => 'string' );
$ffi->attach( b2_status_name => ['int'] => 'string' );
$ffi->attach( b2_authorize_with => [ 'string', 'string', 'opaque', 'opaque*', 'opaque*' ] => 'int' );
$ffi->attach( b2_authorize_json => [ 'string', 'opaque*' ] => 'int' );
$ffi->attach( b2_string_free => ['opaque'] => 'void' );
$ffi->attach( "b2_session_$_" => ['opaque'] => 'string' ) for qw(account_id api_url download_url authorization_token);
$ffi->attach( b2_session_recommended_part_size => ['opaque'] => 'uint64' );
$ffi->attach( b2_session_free => ['opaque'] => 'void' );
$ffi->attach( "b2_error_$_" => ['opaque'] => 'string' ) for qw(message hint);
$ffi->attach( b2_error_free => ['opaque'] => 'void' );

# Dies with what is known of the failure.
sub authorize {
    my ( $key_id, $key ) = @_;
    my ( $session, $error );
    my $status = b2_authorize_with( $key_id, $key, undef, \$session, \$error );
    return $session unless $status;
    my %failure = ( status => $status, message => b2_error_message($error), hint => b2_error_hint($error) );
    b2_error_free($error);
    die \%failure;
}

sub authorize_json {
    my ($request) = @_;
    my $response;
    my $status = b2_authorize_json( $request, \$response );
    my $text = $ffi->cast( opaque => 'string', $response );
    b2_string_free($response);
    return ( $status, decode_json($text) );
}

say "version ", b2_library_version();

my $session = eval { authorize() } // die "$@->{message}\n";
say "account ", b2_session_account_id($session);
say "api ", b2_session_api_url($session);
say "download ", b2_session_download_url($session);
say "token ", length b2_session_authorization_token($session) > 20 ? "yes" : "no";
say "part ", b2_session_recommended_part_size($session);
b2_session_free($session);

eval { authorize( $ENV{B2_APPLICATION_KEY_ID}, "K001wrong" ); 1 } and die "it is not wrong\n";
my $failure = $@;
say "wrong key $failure->{status} ", b2_status_name( $failure->{status} );
say "message $failure->{message}";
say "hint $failure->{hint}";

my ( $status, $answer ) = authorize_json('{"fields": "action"}');
say "json $status ", $answer->{accountId} eq "4aa9865d6f00" ? "yes" : "no";
