#!/usr/bin/env bash
# A SAML identity provider of other authors (apt simplesamlphp), served by PHP's own server on loopback for as long as one answer
# takes. DIR holds key.pem and certificate.pem, and keeps what the provider writes:
#   simplesaml.sh metadata DIR                                prints its metadata
#   simplesaml.sh answer DIR URL assertion|response|both      signs Ada in through the login form, prints what the form then posts
set -euo pipefail
# shellcheck source=bin/lib.sh
. "$(dirname "$0")/../../bin/lib.sh"

way=$1 home=$2 url=${3:-} signed=${4:-both}
need php php-cli "a judge of SAML sign-in, SimpleSAMLphp, is written in PHP"
need php-cgi php-cgi "with it, Debian brings no web server that starts by itself"
need_package php-xml "SimpleSAMLphp reads XML"
need_package simplesamlphp "a judge of SAML sign-in"
need curl curl "it signs in through that provider's form"

mkdir -p "$home/config" "$home/metadata" "$home/cert" "$home/log" "$home/tmp" "$home/sessions"
[ -s "$home/port" ] || free_port >"$home/port"
port=$(cat "$home/port")
cp "$home/key.pem" "$home/certificate.pem" "$home/cert/"
sign() { if [ "$signed" = "$1" ] || [ "$signed" = both ]; then echo true; else echo false; fi; }

cat >"$home/config/config.php" <<PHP
<?php
\$config = [
    'baseurlpath' => 'http://127.0.0.1:$port/', 'certdir' => '$home/cert/', 'loggingdir' => '$home/log/', 'datadir' => '$home/',
    'tempdir' => '$home/tmp', 'metadatadir' => '$home/metadata', 'timezone' => 'UTC', 'secretsalt' => '$(openssl rand -hex 16)',
    'auth.adminpassword' => '$(openssl rand -hex 16)', 'technicalcontact_email' => 'nobody@example.org',
    'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'logging.handler' => 'file', 'store.type' => 'phpsession', 'session.phpsession.savepath' => '$home/sessions',
    'session.cookie.secure' => false, 'language.default' => 'en',
    'metadata.sources' => [['type' => 'flatfile', 'directory' => '$home/metadata']],
];
PHP
cat >"$home/config/authsources.php" <<'PHP'
<?php
$config = ['people' => ['exampleauth:UserPass', 'ada:engine' => ['email' => ['ada@example.com']]]];
PHP
cat >"$home/metadata/saml20-idp-hosted.php" <<PHP
<?php
\$metadata['urn:judge:simplesaml'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'key.pem', 'certificate' => 'certificate.pem', 'auth' => 'people',
    'saml20.sign.assertion' => $(sign assertion), 'saml20.sign.response' => $(sign response),
];
PHP
cat >"$home/metadata/saml20-sp-remote.php" <<'PHP'
<?php
$metadata['https://sp.example/saml/metadata'] = [
    'AssertionConsumerService' => 'https://sp.example/saml/acs', 'simplesaml.nameidattribute' => 'email',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
];
PHP

SIMPLESAMLPHP_CONFIG_DIR=$home/config php -S "127.0.0.1:$port" -t /usr/share/simplesamlphp/www >"$home/log/php.log" 2>&1 &
server=$!
trap 'stop "$server"' EXIT
here=http://127.0.0.1:$port
curl -sS --fail --retry 20 --retry-connrefused --retry-delay 1 -o "$home/metadata.xml" "$here/saml2/idp/metadata.php"

# field NAME FILE: the value of a form's hidden field.
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1 | sed 's/&amp;/\&/g; s/&quot;/"/g'; }

case $way in
    metadata) cat "$home/metadata.xml" ;;
    answer)
        jar=$home/cookies
        rm -f "$jar"
        curl -sS --fail -L -c "$jar" -b "$jar" -o "$home/form.html" "$url"
        curl -sS --fail -L -c "$jar" -b "$jar" -o "$home/answer.html" --data-urlencode "AuthState=$(field AuthState "$home/form.html")" \
            --data-urlencode username=ada --data-urlencode password=engine "$here/module.php/core/loginuserpass.php"
        answer=$(field SAMLResponse "$home/answer.html")
        [ -n "$answer" ] || die "the provider did not answer: $(sed 's/<[^>]*>//g' "$home/answer.html" | grep -v '^ *$' | head -n 20)"
        printf '%s\n' "$answer"
        ;;
    *) die "metadata or answer, not «$way»" ;;
esac
