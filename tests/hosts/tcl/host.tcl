# b2auth from Tcl, by the command that host.c makes of b2_authorize_json(). Shows what is no secret.

# A field of a flat JSON object; Tcl itself has no JSON.
proc field {json name} {
    regexp "\"$name\":(?:\"(\[^\"\]*)\"|(\[^,\}\]*))" $json -> text number
    return $text$number
}

load [lindex $argv 0] B
puts "version $b2version"

set session [b2authorize {{"fields": "all"}}]
puts "account [field $session accountId]"
puts "api [field $session apiUrl]"
puts "download [field $session downloadUrl]"
puts "token [expr {[string length [field $session authorizationToken]] > 20 ? "yes" : "no"}]"
puts "part [field $session recommendedPartSize]"

try {
    b2authorize "{\"keyId\": \"$env(B2_APPLICATION_KEY_ID)\", \"key\": \"K001wrong\"}"
    error "it is not wrong"
} trap B2 {answer options} {
    lassign [dict get $options -errorcode] -> number name
    puts "wrong key $number $name"
    puts "message [field $answer message]"
    puts "hint [field $answer hint]"
}

set status [catch {b2authorize {{"fields": "action"}}} answer]
puts "json $status [expr {[field $answer accountId] eq "4aa9865d6f00" ? "yes" : "no"}]"
