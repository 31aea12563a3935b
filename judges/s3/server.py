"""moto's S3 over TLS on a free port of this machine, with one bucket; ends with its standard input."""

import os
import ssl
import sys
import threading

# Moto has to be told before it is imported.
os.environ.update(AWS_ACCESS_KEY_ID="judge", AWS_SECRET_ACCESS_KEY="judge", AWS_DEFAULT_REGION="eu-central-1")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
application = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=context)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
