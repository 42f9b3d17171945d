"""Drives a KMIP server with MongoDB's client-side encryption library, unmodified.

pymongocrypt builds every KMIP message itself and asks its host only to carry bytes. Here the host
is this file: it carries the bytes over TLS, and keeps the key vault that would be a MongoDB
collection in a dictionary. A data key is made under a master key in the bridge, values are
encrypted and decrypted with it, and again by a second client that knows only the key vault.
"""

import argparse
import json
import socket
import ssl
import sys

import bson
from bson.binary import STANDARD, Binary
from bson.codec_options import CodecOptions
from pymongocrypt.errors import MongoCryptError
from pymongocrypt.options import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

OPTIONS = CodecOptions(uuid_representation=STANDARD)
DETERMINISTIC = "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
RANDOM = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"


class Host(MongoCryptCallback):
    """What libmongocrypt wants from the program that it lives in."""

    def __init__(self, args, vault):
        self.context = ssl.create_default_context(cafile=args.ca)
        self.context.load_cert_chain(args.cert, args.key)
        self.address = (args.host, args.port)
        self.vault = vault
        self.trace = args.trace
        self.requests = 0

    def kms_request(self, kms_context):
        self.requests += 1
        if self.trace:
            print(">", kms_context.kms_provider, kms_context.message.hex(), file=sys.stderr)
        with socket.create_connection(self.address, timeout=30) as plain:
            with self.context.wrap_socket(plain, server_hostname=self.address[0]) as connection:
                connection.sendall(kms_context.message)
                while kms_context.bytes_needed > 0:
                    data = connection.recv(kms_context.bytes_needed)
                    if not data:
                        raise ConnectionError("the server closed the connection in an answer")
                    if self.trace:
                        print("<", data.hex(), file=sys.stderr)
                    kms_context.feed(data)

    def insert_data_key(self, data_key):
        document = bson.decode(data_key, OPTIONS)
        self.vault[document["_id"]] = bytes(data_key)
        return document["_id"].bytes

    def fetch_keys(self, filter):
        return list(self.vault.values())

    def bson_encode(self, doc):
        return bson.encode(doc)

    def collection_info(self, database, filter):
        raise NotImplementedError("automatic encryption is not driven here")

    def mark_command(self, database, cmd):
        raise NotImplementedError("automatic encryption is not driven here")

    def close(self):
        pass


def encrypter(args, vault):
    host = Host(args, vault)
    providers = {"kmip": {"endpoint": f"{args.host}:{args.port}"}}
    return host, ExplicitEncrypter(host, MongoCryptOptions(providers, None))


def value_of(document):
    return bson.decode(document, OPTIONS)["v"]


def run(args):
    vault = {}
    host, client = encrypter(args, vault)
    master_key = {"delegated": True} if args.mode == "delegated" else {}
    if args.uid:
        master_key["keyId"] = args.uid
    key_id = client.create_data_key("kmip", master_key=master_key)
    made = host.requests
    if made == 0:
        raise AssertionError("no request reached the server")

    plain = bson.encode({"v": "a field of a document"})
    sealed = client.encrypt(plain, DETERMINISTIC, key_id=key_id)
    if client.encrypt(plain, DETERMINISTIC, key_id=key_id) != sealed:
        raise AssertionError("deterministic encryption is not deterministic")
    if client.encrypt(plain, RANDOM, key_id=key_id) == client.encrypt(plain, RANDOM, key_id=key_id):
        raise AssertionError("random encryption is deterministic")
    if not isinstance(value_of(sealed), Binary):
        raise AssertionError("nothing was encrypted")
    client.close()

    # Another process that has the key vault and the master key, and no cache.
    host, client = encrypter(args, vault)
    if value_of(client.decrypt(sealed)) != "a field of a document":
        raise AssertionError("what was decrypted is not what was encrypted")
    if host.requests == 0:
        raise AssertionError("the data key was unwrapped without the server")
    client.close()

    document = bson.decode(next(iter(vault.values())), OPTIONS)
    return {"passed": args.mode, "master_key": document["masterKey"]["keyId"],
            "requests": made, "vault": [stored.hex() for stored in vault.values()],
            "sealed": sealed.hex()}


def decrypt(args):
    """Decrypts what an earlier run printed."""
    earlier = json.load(open(args.state, encoding="utf-8"))
    vault = {index: bytes.fromhex(stored) for index, stored in enumerate(earlier["vault"])}
    _, client = encrypter(args, vault)
    value = value_of(client.decrypt(bytes.fromhex(earlier["sealed"])))
    client.close()
    return {"value": value}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--uid", help="a master key that exists; otherwise one is made")
    parser.add_argument("--state", help="what an earlier run printed, for `decrypt`")
    parser.add_argument("--trace", action="store_true", help="show every message in hexadecimal")
    parser.add_argument("mode", choices=["local", "delegated", "decrypt"])
    args = parser.parse_args()
    try:
        answer = decrypt(args) if args.mode == "decrypt" else run(args)
    except (MongoCryptError, ConnectionError, ssl.SSLError) as error:
        print(json.dumps({"refused": str(error)}))
        sys.exit(3)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
