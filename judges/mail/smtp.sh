#!/usr/bin/env bash
# A mail server that nobody here wrote: aiosmtpd from PyPI, with TLS from the first byte. Mails of `wordbond up --smtp` come to it,
# and come although it was unknown, unwilling or broke off, and although the program was killed meanwhile. Takes most of a
# minute, since pauses between attempts grow. Exits 1 at the first thing that is not as it should be.
#
#   judges/mail/smtp.sh

. "$(dirname "${BASH_SOURCE[0]}")/../../bin/lib.sh"
cd "$HOUSE"

need python3 python3 "the mail server is from PyPI"
need_package python3-venv "judges from PyPI get an environment of their own"
need openssl openssl "it makes the certificate of the mail server"
need_postgres
python=$(python_packages aiosmtpd "$(command -v python3)" aiosmtpd==1.4.6 requests==2.32.5) || die "aiosmtpd could not be installed"
need_wordbond

scratch=$(scratch_dir)
trap 'rm -rf "$scratch"' EXIT
for name in believed unknown; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=An authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
        -keyout "$scratch/$name-ca.key" -out "$scratch/$name-ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
        -keyout "$scratch/$name.key" -out "$scratch/$name.csr" 2>/dev/null
    printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' >"$scratch/extensions"
    openssl x509 -req -days 2 -in "$scratch/$name.csr" -CA "$scratch/$name-ca.pem" -CAkey "$scratch/$name-ca.key" \
        -CAcreateserial -extfile "$scratch/extensions" -out "$scratch/$name.pem" 2>/dev/null
done
"$python" judges/mail/smtp.py "$WORDBOND_BIN" "$POSTGRES_BIN" "$scratch"
