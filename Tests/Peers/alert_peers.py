"""Servers that alerts are sent to: an HTTP listener, and aiosmtpd.

    alert_peers.py http [--answers 500,200] [--redirect-to URL] [--hang]
    alert_peers.py smtp [--certificate DIR] [--starttls] [--tls] [--login USER:PASSWORD]
                        [--refuse ADDRESS] [--busy N] [--hang]

The first line of output is {"port": N}; then a line of JSON follows for each request or mail. With
--certificate a self-signed certificate for localhost is written to DIR/certificate.pem.
"""

import argparse
import asyncio
import email
import email.policy
import email.utils
import json
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def say(**fields):
    # One write a line: threads answer at once.
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def hang():
    """Takes connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    say(port=listener.getsockname()[1])
    kept = []
    while True:
        kept.append(listener.accept())


def serve_http(options):
    answers = [int(answer) for answer in options.answers.split(",")]
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                status = answers.pop(0) if len(answers) > 1 else answers[0]
                say(
                    method=self.command,
                    path=self.path,
                    contentType=self.headers.get("Content-Type"),
                    body=body.decode(),
                    status=status,
                )
            self.send_response(status)
            if options.redirect_to:
                self.send_header("Location", options.redirect_to)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = do_HEAD = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    say(port=server.server_port)
    server.serve_forever()


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
    return context


async def serve_smtp(options):
    from aiosmtpd.smtp import SMTP, AuthResult

    user, _, password = (options.login or "").partition(":")
    busy = options.busy

    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, _options):
            nonlocal busy
            if address == options.refuse:
                return "550 5.1.1 no such user"
            if busy > 0:
                busy -= 1
                return "451 4.3.0 try again later"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            # Python's own reading of the mail, by the rules of today's RFCs.
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            date = email.utils.parsedate_to_datetime(mail["Date"])
            say(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                overTLS=server.transport.get_extra_info("ssl_object") is not None,
                isLoggedIn=bool(session.authenticated),
                headers=[[name, str(value)] for name, value in mail.items()],
                defects=[str(defect) for defect in mail.defects]
                + [str(d) for value in mail.values() for d in value.defects],
                secondsSince1970=int(date.timestamp()),
                longestLine=max(len(line) for line in envelope.content.split(b"\r\n")),
                text=mail.get_content(),
            )
            return "250 OK"

    def authenticate(server, session, envelope, mechanism, data):
        say(login=data.login.decode(), overTLS=server.transport.get_extra_info("ssl_object") is not None)
        success = data.login.decode() == user and data.password.decode() == password
        return AuthResult(success=success, handled=success)

    context = make_certificate(options.certificate) if options.certificate else None

    def session():
        return SMTP(
            Handler(),
            hostname="peer.example",
            tls_context=context if options.starttls else None,
            require_starttls=options.starttls,
            authenticator=authenticate if options.login else None,
            auth_required=bool(options.login),
            auth_require_tls=options.starttls,
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if options.tls else None
    )
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["http", "smtp"])
    parser.add_argument("--answers", default="200")
    parser.add_argument("--redirect-to")
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--certificate")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--login")
    parser.add_argument("--refuse")
    parser.add_argument("--busy", type=int, default=0)
    options = parser.parse_args()
    if options.hang:
        hang()
    elif options.kind == "http":
        serve_http(options)
    else:
        asyncio.run(serve_smtp(options))


main()
