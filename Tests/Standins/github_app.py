"""The part of GitHub that makes installation tokens for an app from a signed JSON Web Token."""

import base64
import json
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import clock
from github_world import stamp

# GitHub takes no token that expires more than ten minutes ahead; clocks may differ by a minute.
LONGEST_LIFE = 600
CLOCK_DRIFT = 60


class Refusal(Exception):
    """Why a token is not taken: the message GitHub answers with status 401."""


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class App:
    def __init__(self):
        self.app_id = 123456
        self.installation_id = 7890123
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # token: when it expires
        self.tokens = {}

    @property
    def private_key(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    def check(self, token):
        """Checks a JSON Web Token as GitHub does."""
        undecodable = "A JSON web token could not be decoded"
        try:
            head, claims, signature = token.split(".")
            header = json.loads(decoded(head))
            payload = json.loads(decoded(claims))
            if header.get("alg") != "RS256":
                raise Refusal(undecodable)
            self.key.public_key().verify(
                decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (ValueError, InvalidSignature) as error:
            raise Refusal(undecodable) from error
        now = clock.now()
        if str(payload.get("iss")) != str(self.app_id):
            raise Refusal("Integration must generate a public key")
        issued, expires = payload.get("iat"), payload.get("exp")
        if not isinstance(expires, int) or isinstance(expires, bool):
            raise Refusal("Missing 'expiration' claim ('exp') in assertion")
        if not isinstance(issued, int) or isinstance(issued, bool) or issued > now + CLOCK_DRIFT:
            raise Refusal(
                "'Issued at' claim ('iat') must be an Integer representing the time that the "
                "assertion was issued"
            )
        if expires <= now - CLOCK_DRIFT:
            raise Refusal(
                "'Expiration time' claim ('exp') must be a numeric value representing the future "
                "time at which the assertion expires"
            )
        if expires > now + LONGEST_LIFE + CLOCK_DRIFT or expires - issued > LONGEST_LIFE + CLOCK_DRIFT:
            raise Refusal("'Expiration time' claim ('exp') is too far in the future")

    def give(self, lifetime):
        token = "ghs_" + secrets.token_hex(18)
        expires = clock.now() + lifetime
        self.tokens[token] = expires
        return {
            "token": token,
            "expires_at": stamp(expires),
            "permissions": {"contents": "read", "issues": "read", "metadata": "read", "pull_requests": "read"},
            "repository_selection": "all",
        }

    def valid(self, token):
        return self.tokens.get(token, 0) > clock.now()
