"""Drives a KMIP server with OpenStack Barbican's secret store plugin `kmip_plugin`, unmodified.

The real class KMIPSecretStore reads a real barbican.conf through oslo.config and is called as
Barbican's core calls it: `generate_supports` before a key is made, `store_secret` with the base64
of PEM or of bytes, one connection a call. What comes back is checked by value, keys with
the `cryptography` package.

    barbican_driver.py --port N --cert FILE --key FILE --ca FILE SCENARIO
"""

import argparse
import base64
import datetime
import json
import logging
import os
import shutil
import tempfile

from barbican.plugin import kmip_secret_store
from barbican.plugin.interface import secret_store as ss
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Algorithm, Type = ss.KeyAlgorithm, ss.SecretType
PEM = serialization.Encoding.PEM


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def refused(says, function, *args):
    """The server must refuse this call; `says` is the result reason that it must give."""
    try:
        answer = function(*args)
    except ss.SecretGeneralException as error:
        if says not in str(error.reason):
            raise AssertionError(f"refused with {error.reason}, wanted {says}") from error
        return
    raise AssertionError(f"not refused: {answer!r}")


def configured(args, folder, **more):
    """The plugin as barbican-api makes it, from the file that its administrator writes."""
    # The plugin takes no key file that others may read or its owner may write.
    key = os.path.join(folder, "client.key")
    if not os.path.exists(key):
        shutil.copyfile(args.key, key)
        os.chmod(key, 0o400)
    options = {"host": args.host, "port": args.port, "certfile": args.cert, "keyfile": key,
               "ca_certs": args.ca, **more}
    path = os.path.join(folder, "barbican.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[kmip_plugin]\n")
        file.writelines(f"{name} = {value}\n" for name, value in options.items())
    kmip_secret_store.CONF(["--config-file", path], project="barbican")
    return kmip_secret_store.KMIPSecretStore()


def generate(store, algorithm, bits):
    spec = ss.KeySpec(algorithm, bits)
    equal(store.generate_supports(spec), True, f"generate_supports {algorithm} {bits}")
    return store.generate_symmetric_key(spec)


def secret_of(store, kind, metadata):
    answer = store.get_secret(kind, metadata)
    equal(answer.type, kind, "type of the secret")
    return base64.b64decode(answer.secret), answer.key_spec


def kept(store, kind, value, algorithm=None, bits=None):
    """Stores a secret as Barbican's core hands it over; returns where it is."""
    secret = ss.SecretDTO(kind, base64.b64encode(value), ss.KeySpec(algorithm, bits), None)
    metadata = store.store_secret(secret)
    # Barbican keeps this in its database as JSON.
    return json.loads(json.dumps(metadata))


def gone(store, kind, metadata):
    """Deletes a secret; afterwards it cannot be had, and cannot be deleted again."""
    store.delete_secret(metadata)
    refused("", store.get_secret, kind, metadata)
    refused("", store.delete_secret, metadata)


def scenario_symmetric(store, _):
    """Keys of every algorithm and length that the plugin and the server both have."""
    wanted = [(Algorithm.AES, bits) for bits in (128, 192, 256)]
    # Other lengths are without parity bits, and PyKMIP refuses the value for having them.
    wanted += [(Algorithm.DESEDE, bits) for bits in (128, 192)]
    wanted += [(hmac, bits) for bits in (160, 256, 512) for hmac in (
        Algorithm.HMACSHA1, Algorithm.HMACSHA256, Algorithm.HMACSHA384, Algorithm.HMACSHA512)]
    seen = set()
    for algorithm, bits in wanted:
        metadata = generate(store, algorithm, bits)
        value, spec = secret_of(store, Type.SYMMETRIC, metadata)
        equal((spec.alg, spec.bit_length, len(value) * 8), (algorithm, bits, bits), "the key")
        seen.add(value)
        store.delete_secret(metadata)
    equal(len(seen), len(wanted), "different keys")
    gone(store, Type.SYMMETRIC, generate(store, Algorithm.AES, 256))
    # The plugin asks for them, no server of today makes them.
    for algorithm, bits in ((Algorithm.DES, 56), (Algorithm.DESEDE, 64)):
        spec = ss.KeySpec(algorithm, bits)
        equal(store.generate_supports(spec), True, "the plugin asks")
        refused("INVALID_FIELD", store.generate_symmetric_key, spec)
    equal(store.generate_supports(ss.KeySpec(Algorithm.AES, 100)), False, "AES of 100 bits")


def scenario_asymmetric(store, _):
    """RSA pairs of every length; the halves belong together."""
    for bits in (2048, 3072):
        spec = ss.KeySpec(Algorithm.RSA, bits)
        equal(store.generate_supports(spec), True, f"RSA {bits}")
        pair = store.generate_asymmetric_key(spec)
        equal(pair.passphrase_meta, None, "passphrase")
        private, said = secret_of(store, Type.PRIVATE, pair.private_key_meta)
        equal((said.alg, said.bit_length), (Algorithm.RSA, bits), "the private key")
        public, said = secret_of(store, Type.PUBLIC, pair.public_key_meta)
        equal((said.alg, said.bit_length), (Algorithm.RSA, bits), "the public key")
        private = serialization.load_pem_private_key(private, None)
        public = serialization.load_pem_public_key(public)
        equal(private.key_size, bits, "size of the modulus")
        equal(private.public_key().public_numbers(), public.public_numbers(), "the halves")
        gone(store, Type.PRIVATE, pair.private_key_meta)
        gone(store, Type.PUBLIC, pair.public_key_meta)


def pair_as_pem(bits=2048):
    pair = rsa.generate_private_key(65537, bits)
    private = pair.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = pair.public_key().public_bytes(
        PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "barbican")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(pair.public_key()).serial_number(7).not_valid_before(now)
                   .not_valid_after(now + datetime.timedelta(days=2))
                   .sign(pair, hashes.SHA256()).public_bytes(PEM))
    return private, public, certificate


def scenario_secrets(store, _):
    """Secrets of every type go in and come out as they were."""
    private, public, certificate = pair_as_pem()
    secrets = [(Type.SYMMETRIC, os.urandom(bits // 8), Algorithm.AES, bits)
               for bits in (128, 192, 256)]
    secrets += [
        (Type.SYMMETRIC, bytes.fromhex("0123456789abcdef23456789abcdef01456789abcdef0123"),
         Algorithm.DESEDE, 192),
        (Type.SYMMETRIC, os.urandom(32), Algorithm.HMACSHA256, 256),
        (Type.PASSPHRASE, "correct horse \u00e4\u4e2d".encode(), None, None),
        (Type.OPAQUE, bytes(range(256)) * 64, None, None),
        (Type.CERTIFICATE, certificate, None, None),
        (Type.PRIVATE, private, Algorithm.RSA, 2048),
        (Type.PUBLIC, public, Algorithm.RSA, 2048),
    ]
    for kind, value, algorithm, bits in secrets:
        metadata = kept(store, kind, value, algorithm, bits)
        back, said = secret_of(store, kind, metadata)
        equal(back, value, f"{kind} {algorithm}")
        equal((said.alg, said.bit_length), (algorithm, bits), kind)
        # The same secret again is another object.
        other = kept(store, kind, value, algorithm, bits)
        equal(other == metadata, False, "another object")
        gone(store, kind, metadata)
        equal(secret_of(store, kind, other)[0], value, "the other is still there")
        store.delete_secret(other)
    refused("ITEM_NOT_FOUND", store.get_secret, Type.OPAQUE, {"key_uuid": "nothing"})


def scenario_pkcs1(_, making):
    """With `pkcs1_only` the plugin sends PKCS#1, and calls it PKCS#8 or X.509 all the same."""
    store = configured(*making, pkcs1_only=True)
    private, public, certificate = pair_as_pem()
    for kind, value in ((Type.PRIVATE, private), (Type.PUBLIC, public)):
        metadata = kept(store, kind, value, Algorithm.RSA, 2048)
        equal(secret_of(store, kind, metadata)[0], value, kind)
        gone(store, kind, metadata)
    metadata = kept(store, Type.CERTIFICATE, certificate)
    equal(secret_of(store, Type.CERTIFICATE, metadata)[0], certificate, "a certificate")


def scenario_password(_, making):
    """A user name and a password beside the certificate."""
    store = configured(*making, username="barbican", password="correct horse")
    gone(store, Type.SYMMETRIC, generate(store, Algorithm.AES, 256))
    store = configured(*making, username="barbican", password="wrong horse")
    refused("AUTHENTICATION_NOT_SUCCESSFUL", store.generate_symmetric_key,
            ss.KeySpec(Algorithm.AES, 256))


SCENARIOS = {name[len("scenario_"):]: function for name, function in list(globals().items())
             if name.startswith("scenario_")}


def main():
    logging.disable(logging.CRITICAL)  # every refusal is logged with its stack
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    for option in ["cert", "key", "ca"]:
        parser.add_argument("--" + option, required=True)
    parser.add_argument("scenario", choices=sorted(SCENARIOS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        SCENARIOS[args.scenario](configured(args, folder), (args, folder))
    print("passed")


if __name__ == "__main__":
    main()
