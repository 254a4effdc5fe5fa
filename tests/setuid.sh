#!/bin/sh
# A program that runs with rights which its caller lacks takes nothing from the caller's environment.
#
# One small program is run by a user who may do nothing: as it is, and with rights of each kind (setuid to root and to
# somebody else, setgid, a file capability; linked with the static library, and with the shared one). For each variable
# of the environment the plain program shows that it counts, and the others that it does not.
set -eu
cd "$(dirname "$0")/.."
built=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
PATH=$PATH:/usr/sbin:/sbin
failed=0

[ "$(id -u)" = 0 ] || { echo "SKIP setuid: only root can make such programs"; exit 0; }
missing=$(packaging/need.sh cc setpriv setcap python3) || { echo "SKIP setuid: $missing"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# ---- one program, with rights of every kind ----

flags="-std=c99 -Wall -Wextra -Wpedantic -Werror -I include"
libs=$(cat "$built/b2auth.libs")
# shellcheck disable=SC2086
"${CC:-cc}" $flags tests/setuid/ask.c -o "$work/plain" "$built/libb2auth.a" $libs -pthread
# The loader takes a library for such a program from where the program itself says, if that is absolute.
mkdir "$work/lib"
cp "$built/libb2auth.so" "$work/lib/"
ln -s libb2auth.so "$work/lib/$(basename "$(echo "$built"/libb2auth.so.*)")"
# shellcheck disable=SC2086
"${CC:-cc}" $flags tests/setuid/ask.c -o "$work/shared" -L "$work/lib" -lb2auth -Wl,-rpath,"$work/lib"
chmod 755 "$work/shared" "$work/lib" "$work/lib/libb2auth.so"
for copy in setuid-root setuid setgid capability; do cp "$work/plain" "$work/$copy"; done
cp "$work/shared" "$work/setuid-shared"
# Neither the caller's number nor one with a home.
chown 65533:65533 "$work/setuid" "$work/setuid-shared"
chown 0:65533 "$work/setgid"
chmod 4755 "$work/setuid-root" "$work/setuid" "$work/setuid-shared"
chmod 2755 "$work/setgid"
capable=yes
setcap cap_net_bind_service+ep "$work/capability" 2>"$work/setcap" || capable=$(tr '\n' ' ' <"$work/setcap")

# as_nobody PROGRAM [VARIABLE=VALUE]... -- ARGUMENT...: with these variables and no others.
as_nobody() {
    as_program=$1
    shift
    variables=
    while [ "${1:---}" != -- ]; do
        variables="$variables $1"
        shift
    done
    [ $# = 0 ] || shift
    # shellcheck disable=SC2086
    setpriv --reuid=65534 --regid=65534 --clear-groups env -i $variables "$work/$as_program" "$@" 2>&1 || true
}

ways=
for way in setuid-root setuid setgid capability setuid-shared; do
    if [ "$way" = capability ] && [ "$capable" != yes ]; then
        echo "SKIP setuid/$way: this file system takes no file capability: $capable"
        continue
    fi
    case $(as_nobody "$way") in
        raised) ways="$ways $way" ;;
        plain) echo "SKIP setuid/$way: the kernel gives it no rights here (mounted nosuid, or no new privileges)" ;;
        *) echo "SKIP setuid/$way: it does not start: $(as_nobody "$way" | tr '\n' ' ')" ;;
    esac
done
for program in plain shared; do
    [ "$(as_nobody "$program")" = plain ] || { echo "not ok setuid: $program should have no rights"; failed=1; }
done

# ---- what the caller can name ----

id=$B2_APPLICATION_KEY_ID key=$B2_APPLICATION_KEY
http=$B2_ENVIRONMENT https=$B2_SANDBOX_HTTPS
cp "$B2_SANDBOX_CA" "$work/ca.pem"
mkdir -p "$work/home" "$work/old-home" "$work/xdg/b2" "$work/home/.config/b2" "$work/certs"
cp "$work/ca.pem" "$work/certs/ca.pem"
python3 - "$work/db" "$id" "$key" "$http" <<'END'
import sqlite3, sys
path, key_id, key, realm = sys.argv[1:]
database = sqlite3.connect(path)
columns = "account_id TEXT, application_key TEXT, realm TEXT, account_id_or_app_key_id TEXT"
database.execute(f"CREATE TABLE account ({columns})")
database.execute("INSERT INTO account VALUES ('a', ?, ?, ?)", (key, realm, key_id))
database.commit()
END
for place in old-home/.b2_account_info home/.config/b2/account_info home/.config/b2/db-work.sqlite xdg/b2/account_info \
    xdg/b2/db-work.sqlite; do
    cp "$work/db" "$work/$place"
done
# Nothing listens on port 1. 0.0.0.0 leads here, but is no loopback address: a proxy may stand before it.
away="realm=https://0.0.0.0:1 max_attempts=1 total_timeout_ms=5000"
nowhere=http://127.0.0.1:1

asked() { curl -fsS "$B2_SANDBOX/count"; }

# row NAME 'VARIABLES' 'ARGUMENTS' COUNTS IGNORED [SKIPPED-WAY]: of the plain program's words COUNTS must be a part; of
# those of each program with rights IGNORED must be, and the sandbox must not hear of it unless it says B2_OK.
row() {
    row=$1 variables_of_row=$2 arguments=$3 counts=$4 ignored=$5 but=${6:-}
    for program in plain $ways; do
        [ "$program" != "$but" ] || continue
        wanted=$ignored
        [ "$program" != plain ] || wanted=$counts
        before=$(asked)
        # shellcheck disable=SC2086
        said=$(as_nobody "$program" $variables_of_row -- $arguments)
        case $said in
            *"$wanted"*) good=yes ;;
            *) good="it says: $said" ;;
        esac
        case $said in
            B2_OK*) ;;
            *) [ "$(asked)" = "$before" ] || good="B2 was asked, and it says: $said" ;;
        esac
        if [ "$good" = yes ]; then
            echo "ok setuid/$program: $row"
        else
            echo "not ok setuid/$program: $row: wanted \"$wanted\", $good"
            failed=1
        fi
    done
}

# What is given to the call itself counts as ever: so nothing below fails for another reason.
row "what the call gives" "" "$id $key realm=$http" "B2_OK $http" "B2_OK $http"
row "the option ca_file" "" "$id $key realm=$https ca_file=$work/ca.pem" "B2_OK $https" "B2_OK $https"

pair="B2_APPLICATION_KEY_ID=$id B2_APPLICATION_KEY=$key"
unread="were not read, since this program runs with raised rights"
row "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY" "$pair" "- - realm=$http" "B2_OK $http as $id" "$unread" setuid-root
row "B2_APPLICATION_KEY for a given key ID" "$pair" "$id - realm=$http" "B2_OK $http as $id" "$unread" setuid-root
row "B2_APPLICATION_KEY_ID alone" "B2_APPLICATION_KEY_ID=$id" "- - realm=$http" B2_INVALID_ARGUMENT "$unread" \
    setuid-root
# Root may have a database of its own, which is its own to use: here it is named away.
row "the pair, whatever root has" "$pair" "- - realm=$http account_info=$work/none" "B2_OK $http as $id" "$unread"

# Without it the realm is B2's own, to which a proxy that is not there bars the way.
row B2_ENVIRONMENT "B2_ENVIRONMENT=$http" "$id $key proxy=$nowhere max_attempts=1" "B2_OK $http" \
    "the proxy 127.0.0.1:1"
row "a bad B2_ENVIRONMENT" B2_ENVIRONMENT=rubbish "$id $key proxy=$nowhere max_attempts=1" "B2_ENVIRONMENT " \
    "the proxy 127.0.0.1:1"

for name in HTTPS_PROXY https_proxy ALL_PROXY all_proxy; do
    row "$name" "$name=$nowhere" "$id $key $away" "the proxy 127.0.0.1:1" "cannot connect to 0.0.0.0:1"
    row "a bad $name" "$name=gopher://x" "$id $key $away" "$name in the environment" "cannot connect to 0.0.0.0:1"
done
for name in NO_PROXY no_proxy; do
    # With rights there is no variable that names a proxy for it to make an exception from; an option's knows none.
    row "$name" "HTTPS_PROXY=$nowhere $name=0.0.0.0" "$id $key $away" "cannot connect to 0.0.0.0:1" \
        "cannot connect to 0.0.0.0:1"
    row "$name beside the option" "$name=0.0.0.0" "$id $key $away proxy=$nowhere" "the proxy 127.0.0.1:1" \
        "the proxy 127.0.0.1:1"
done
for name in HTTP_PROXY http_proxy; do
    row "$name, which counts for nobody" "$name=$nowhere" "$id $key $away" "cannot connect to 0.0.0.0:1" \
        "cannot connect to 0.0.0.0:1"
done

row SSL_CERT_FILE "SSL_CERT_FILE=$work/ca.pem" "$id $key realm=$https" "B2_OK $https" B2_TLS_ERROR
row SSL_CERT_DIR "SSL_CERT_DIR=$work/certs" "$id $key realm=$https" "B2_OK $https" B2_TLS_ERROR
row "an SSL_CERT_FILE that is none" SSL_CERT_FILE=/dev/null "$id $key realm=$https ca_file=$work/ca.pem" \
    B2_INVALID_ARGUMENT "B2_OK $https"

none=B2_NO_CREDENTIALS
row B2_ACCOUNT_INFO "B2_ACCOUNT_INFO=$work/db" "- -" "B2_OK $http as $id" $none setuid-root
row "HOME, the old place" "HOME=$work/old-home" "- -" "B2_OK $http as $id" $none setuid-root
row "HOME, the new place" "HOME=$work/home" "- -" "B2_OK $http as $id" $none setuid-root
row "HOME, a profile" "HOME=$work/home" "- - profile=work" "B2_OK $http as $id" $none setuid-root
row "HOME in account_info" "HOME=$work" "- - account_info=~/db" "B2_OK $http as $id" $none
row XDG_CONFIG_HOME "XDG_CONFIG_HOME=$work/xdg" "- -" "B2_OK $http as $id" $none setuid-root
row "XDG_CONFIG_HOME, a profile" "XDG_CONFIG_HOME=$work/xdg" "- - profile=work" "B2_OK $http as $id" $none setuid-root
row "the option account_info" "" "- - account_info=$work/db" "B2_OK $http as $id" "B2_OK $http as $id"

# ---- and what no row can tell ----

# The libraries underneath know variables of their own; this one would write down what opens a recorded connection.
mkdir "$work/open"
chmod 777 "$work/open"
for program in plain $ways; do
    # shellcheck disable=SC2086
    said=$(as_nobody "$program" "SSLKEYLOGFILE=$work/open/keys" -- "$id" "$key" "realm=$https" "ca_file=$work/ca.pem")
    if [ -e "$work/open/keys" ] || [ "${said#B2_OK}" = "$said" ]; then
        echo "not ok setuid/$program: SSLKEYLOGFILE names no file that is written: $said"
        failed=1
    else
        echo "ok setuid/$program: SSLKEYLOGFILE names no file that is written"
    fi
done

# One file reads the environment, by one rule. (Windows has no such rights, so home_dir() there is no hole.)
if grep -rnE 'env::(var|vars|home_dir|temp_dir)|getenv' src --include='*.rs' |
    grep -vE '^src/(platform/environment\.rs|platform/(fingerprint|folder)\.rs:[0-9]+: +let path = std::env::temp_dir|fuzzing/|net/testing|platform/home\.rs:[0-9]+: +if user\.is_some)'; then
    echo "not ok setuid: the environment is read elsewhere too"
    failed=1
else
    echo "ok setuid: the environment is read in one place"
fi
exit "$failed"
