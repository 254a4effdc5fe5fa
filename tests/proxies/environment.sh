# shellcheck shell=sh disable=SC2154
# What the environment says of proxies, and who is exempt.

tiny=http://127.0.0.1:3128 dead_proxy=http://127.0.0.1:${dead##*:}
for environment in "HTTPS_PROXY=$tiny" "https_proxy=$tiny" "ALL_PROXY=$tiny" "all_proxy=$tiny" "HTTPS_PROXY=127.0.0.1:3128" \
    "HTTPS_PROXY=$tiny ALL_PROXY=$dead_proxy" "HTTPS_PROXY= ALL_PROXY=$tiny" "HTTP_PROXY=$dead_proxy ALL_PROXY=$tiny" \
    "HTTPS_PROXY=$tiny NO_PROXY=localhost,127.0.0.0/8,b2.test.example,2.test,api.b2.test:80"; do
    ask_in "$environment" ca_file="$ca"
    through "$environment" tiny "$connect"
done
ask_in "ALL_PROXY=socks5h://127.0.0.1:1080" ca_file="$ca"
through "ALL_PROXY with socks5h" socks "connected to api.b2.test:443"
ask_in "HTTPS_PROXY=http://$tiny_encoded@127.0.0.1:3129" ca_file="$ca"
through "HTTPS_PROXY with user and password" tiny-login "$connect"
ask_in "HTTPS_PROXY=$dead_proxy" ca_file="$ca" proxy="$tiny"
through "the option goes before HTTPS_PROXY" tiny "$connect"
ask_in "NO_PROXY=*" ca_file="$ca" proxy="$tiny"
through "the option goes before NO_PROXY" tiny "$connect"

# Without the proxy nobody knows the name.
direct="the name api.b2.test cannot be resolved"
for exemption in NO_PROXY=api.b2.test NO_PROXY=.b2.test NO_PROXY=b2.test "NO_PROXY=*.b2.test" "NO_PROXY=*" \
    no_proxy=API.B2.TEST "NO_PROXY=localhost,api.b2.test:443"; do
    ask_in "HTTPS_PROXY=$tiny $exemption" ca_file="$ca"
    gives "$exemption" B2_NETWORK_ERROR "$direct" && [ -n "$(news tiny)" ] && not_ok "$exemption" "the proxy was called"
done
ask_in "HTTPS_PROXY=$tiny ALL_PROXY=$tiny" ca_file="$ca" proxy=none
gives "proxy=none" B2_NETWORK_ERROR "$direct"
ask ca_file="$ca"
gives "no proxy at all" B2_NETWORK_ERROR "$direct"

ask_in "HTTPS_PROXY=gopher://nobodys-user:wrong-password@127.0.0.1:70" ca_file="$ca"
gives "HTTPS_PROXY that is no proxy" B2_INVALID_ARGUMENT "HTTPS_PROXY in the environment is not a valid proxy"
ask_in "https_proxy=http://nobodys-user:wrong-password@127.0.0.1:0" ca_file="$ca"
gives "https_proxy that is no proxy" B2_INVALID_ARGUMENT "https_proxy in the environment is not a valid proxy"
ask ca_file="$ca" proxy=gopher://nobodys-user:wrong-password@127.0.0.1:70
gives "a proxy of another kind" B2_INVALID_ARGUMENT "http, https or socks5"

for realm in "$http" https://localhost https://127.0.0.1 "https://[::1]"; do
    for url in "$tiny" socks5://127.0.0.1:1080; do
        ask_in "HTTPS_PROXY=$url HTTP_PROXY=$url ALL_PROXY=$url" ca_file="$ca"
        past "$realm goes past $url of the environment" tiny socks
        ask ca_file="$ca" proxy="$url"
        past "$realm goes past $url of the option" tiny socks
    done
done
realm=https://api.b2.test
