#!/usr/bin/env bash
# A real application that nobody here wrote, unmodified, behind the gate: Bugsink (Django) from PyPI. A client signs in to it,
# changes something, reports an error with Sentry's own SDK, and tries what must not work. Prints a transcript; exits 1 at the first
# thing that is not as it should be.
#
#   judges/proxy/bugsink.sh

. "$(dirname "${BASH_SOURCE[0]}")/../../bin/lib.sh"
cd "$HOUSE"

need_python312
[ -n "$PYTHON312" ] || die "Bugsink needs Python 3.12"
need_cargo
need_compiler
python=$(python_packages bugsink "$PYTHON312" bugsink==2.6.0 sentry-sdk==2.20.0 requests) || die "Bugsink could not be installed"
tools=$(dirname "$python")
# GATE names one that is built already.
if [ -z "${GATE:-}" ]; then
    cargo build --locked --quiet --package proxy --example gate
    GATE=$(target_dir)/debug/examples/gate
fi

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
"$GATE" --upstream "http://127.0.0.1:$application" --listen "127.0.0.1:$public" --data-dir "$scratch/gate" --open /api/ \
    >gate.log 2>&1 </dev/null &
pids+=($!)
wait_for_file "$scratch/gate/token" 20 "${pids[1]}" || die "the gate did not start"
while ! (exec 3<>"/dev/tcp/127.0.0.1/$application") 2>/dev/null; do
    kill -0 "${pids[0]}" 2>/dev/null || die "Bugsink did not start: $(tail -n 3 gunicorn.log)"
    sleep 0.2
done

PASSWORD=$password "$python" "$HOUSE/judges/proxy/bugsink.py" "https://localhost:$public" "$scratch/gate"
