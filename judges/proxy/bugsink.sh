#!/usr/bin/env bash
# A real application that nobody here wrote, unmodified, behind the gate: Bugsink (Django) from PyPI, behind `wordbond up`. Somebody
# signs up and in, uses Bugsink with its own sign-in and forms, reports an error with Sentry's own SDK, tries what must not work, and
# signs out. Prints a transcript; exits 1 at the first thing that is not as it should be.
#
#   judges/proxy/bugsink.sh

. "$(dirname "${BASH_SOURCE[0]}")/../../bin/lib.sh"
cd "$HOUSE"

need_python312
[ -n "$PYTHON312" ] || die "Bugsink needs Python 3.12"
need_postgres
python=$(python_packages bugsink "$PYTHON312" bugsink==2.6.0 sentry-sdk==2.20.0 requests) || die "Bugsink could not be installed"
tools=$(dirname "$python")
need_wordbond

scratch=$(scratch_dir)
application=$(free_port)
public=$(free_port)
pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do stop "$pid" || true; done
    rm -rf "$scratch"
}
trap finish EXIT

cd "$scratch"
"$tools/bugsink-create-conf" --template=local --host=localhost --port="$public" >/dev/null
sed -i "s#http://localhost:$public#https://localhost:$public#" bugsink_conf.py
# What Bugsink says about every proxy with HTTPS; nothing of it is about this one.
cat >>bugsink_conf.py <<'CONF'
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
ALLOWED_HOSTS = ["localhost"]
CONF
"$tools/bugsink-manage" migrate >migrate.log 2>&1
"$tools/bugsink-manage" migrate --database=snappea >>migrate.log 2>&1
password=$("$python" -c 'import secrets; print(secrets.token_urlsafe(16))')
DJANGO_SUPERUSER_PASSWORD=$password "$tools/bugsink-manage" createsuperuser --noinput --username admin@example.com \
    --email admin@example.com >/dev/null

PYTHONPATH=. DJANGO_SETTINGS_MODULE=bugsink_conf "$tools/gunicorn" bugsink.wsgi --bind "127.0.0.1:$application" --workers 1 \
    --threads 4 >gunicorn.log 2>&1 </dev/null &
pids+=($!)
while ! (exec 3<>"/dev/tcp/127.0.0.1/$application") 2>/dev/null; do
    kill -0 "${pids[0]}" 2>/dev/null || die "Bugsink did not start: $(tail -n 3 gunicorn.log)"
    sleep 0.2
done
"$WORDBOND_BIN" up --profile "$HOUSE/profiles/gate.toml" --upstream "http://127.0.0.1:$application" --upstream-open /api/ \
    --listen "127.0.0.1:$public" --data-dir "$scratch/gate" --pg-bin "$POSTGRES_BIN" >gate.log 2>&1 </dev/null &
pids+=($!)
wait_for_file "$scratch/gate/ready.json" 60 "${pids[1]}" || die "the gate did not start: $(tail -n 5 gate.log)"

PASSWORD=$password "$python" "$HOUSE/judges/proxy/bugsink.py" "https://localhost:$public" "$scratch/gate/tls/ca.pem"
printf 'The gate attacks itself.\n'
"$WORDBOND_BIN" check --data-dir "$scratch/gate" --only only-through-the-gate | tail -n 2
