#!/usr/bin/env bash
# A real application that nobody here wrote, unmodified, and a person's rights in its database: Bugsink (Django) from PyPI on
# PostgreSQL. People sign up, work, and report errors; `wordbond map discover` proposes a map; the reviewed one, bugsink.toml,
# is held against the schema; one person's data is handed out, then erased, with a `kill -9` half way; and Bugsink still works
# for everybody else. Prints a transcript; exits 1 at the first thing that is not as it should be.
#
#   judges/rights/bugsink.sh

. "$(dirname "${BASH_SOURCE[0]}")/../../bin/lib.sh"
cd "$HOUSE"

need_python312
[ -n "$PYTHON312" ] || die "Bugsink needs Python 3.12"
need_postgres
python=$(python_packages bugsink-rights "$PYTHON312" bugsink==2.6.0 sentry-sdk==2.20.0 requests 'psycopg[binary]==3.3.9') ||
    die "Bugsink could not be installed"
tools=$(dirname "$python")
need_wordbond

scratch=$(scratch_dir)
web=$(free_port)
database=$(free_port)
pids=()
as_server() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"); else "$@"; fi; }
finish() {
    local pid
    for pid in "${pids[@]}"; do stop "$pid" || true; done
    as_server "$POSTGRES_BIN/pg_ctl" -D "$scratch/pg/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finish EXIT

mkdir "$scratch/pg"
[ "$(id -u)" = 0 ] && chown nobody:nogroup "$scratch/pg"
as_server "$POSTGRES_BIN/initdb" -D "$scratch/pg/data" -U bugsink --auth=trust -E UTF8 --locale=C >/dev/null
as_server sh -c "printf '%s\n' \"listen_addresses = '127.0.0.1'\" 'port = $database' \"unix_socket_directories = '$scratch/pg'\" >> '$scratch/pg/data/postgresql.conf'"
as_server "$POSTGRES_BIN/pg_ctl" -D "$scratch/pg/data" -l "$scratch/pg/log" -w start >/dev/null
url="postgres://bugsink@127.0.0.1:$database/postgres"

cd "$scratch"
"$tools/bugsink-create-conf" --template=singleserver --host=localhost --port="$web" --base-dir="$scratch/base" >/dev/null
mkdir -p base
cat >>bugsink_conf.py <<CONF
from bugsink.conf_utils import parse_database_url
DATABASES["default"] = parse_database_url("$url")
# No proxy in front, no mail, no second process; anybody may sign up, and need not answer a mail that nobody sends here.
SECURE_PROXY_SSL_HEADER, SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE = None, False, False
ALLOWED_HOSTS = ["localhost"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
SNAPPEA = {"TASK_ALWAYS_EAGER": True}
BUGSINK = BUGSINK | {"BASE_URL": "http://localhost:$web", "USER_REGISTRATION": CB_ANYBODY, "USER_REGISTRATION_VERIFY_EMAIL": False, "PHONEHOME": False}
CONF
"$tools/bugsink-manage" migrate >migrate.log 2>&1 || die "Bugsink could not make its tables: $(tail -n 3 migrate.log)"
"$tools/bugsink-manage" migrate --database=snappea >>migrate.log 2>&1
PYTHONPATH=. DJANGO_SETTINGS_MODULE=bugsink_conf "$tools/gunicorn" bugsink.wsgi --bind "127.0.0.1:$web" --workers 1 \
    --threads 4 >gunicorn.log 2>&1 </dev/null &
pids+=($!)
while ! (exec 3<>"/dev/tcp/127.0.0.1/$web") 2>/dev/null; do
    kill -0 "${pids[0]}" 2>/dev/null || die "Bugsink did not start: $(tail -n 3 gunicorn.log)"
    sleep 0.2
done

"$python" "$HOUSE/judges/rights/bugsink.py" "http://localhost:$web" "$url" "$WORDBOND_BIN" "$HOUSE/judges/rights/bugsink.toml" "$scratch"
