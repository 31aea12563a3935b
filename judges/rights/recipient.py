"""A recipient of erasures, as an application behind the gate would have one: PyJWT verifies, with the published keys.

recipient.py PORT ISSUER CA FILE: listens on loopback, and writes a line to FILE for each account that it must forget."""

import http.server
import json
import ssl
import sys

import jwt

PORT, ISSUER, CA, FILE = sys.argv[1:]
PURGED = "https://schemas.openid.net/secevent/risc/event-type/account-purged"
KEYS = jwt.PyJWKClient(ISSUER + "/.well-known/wordbond/jwks.json", ssl_context=ssl.create_default_context(cafile=CA))


def whose(token):
    if jwt.get_unverified_header(token).get("typ") != "secevent+jwt":
        raise jwt.InvalidTokenError("it is of another type")
    required = {"require": ["iss", "aud", "iat", "jti"]}
    claims = jwt.decode(token, KEYS.get_signing_key_from_jwt(token), ["EdDSA"], audience="beside", issuer=ISSUER, options=required)
    if PURGED not in claims["events"] or claims["sub_id"]["format"] != "iss_sub" or claims["sub_id"]["iss"] != ISSUER:
        raise jwt.InvalidTokenError("it is about something else")
    return claims["jti"], claims["sub_id"]["sub"]


class Events(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        token = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            known, account = whose(token)
        except jwt.InvalidTokenError as error:
            self.answer(400, json.dumps({"err": "invalid_request", "description": str(error)}))
            return
        with open(FILE, "a", encoding="utf-8") as forgotten:
            forgotten.write(f"{known} {account}\n")
        self.answer(202, "")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(PORT)), Events).serve_forever()
