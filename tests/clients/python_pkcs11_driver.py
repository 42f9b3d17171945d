"""Programs over python-pkcs11, unmodified, as people write them: its own default capabilities (every
usage that the key type can have), its default mechanisms, token objects and session objects.

`python_pkcs11_driver.py MODULE LABEL PIN SCENARIO`; what the token makes is checked by the
`cryptography` package. Prints "passed".
"""

import sys
import threading

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pkcs11 import KDF, MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import (
    decode_ec_public_key, encode_ec_public_key, encode_ecdsa_signature,
    encode_named_curve_parameters)
from pkcs11.util.rsa import decode_rsa_public_key, encode_rsa_public_key
from pkcs11.util.x509 import decode_x509_certificate, decode_x509_public_key

MESSAGE = b"the quick brown fox jumps over the lazy dog"
IV = bytes(range(16))
READABLE = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def refused(error, function, *args, **kwargs):
    try:
        answer = function(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"{function.__name__}: must be refused, got {answer!r}")


def aes(session):
    """AES keys of every length: what the token encrypts, `cryptography` decrypts."""
    for bits in (128, 192, 256):
        key = session.generate_key(KeyType.AES, bits, template=READABLE)
        value = key[Attribute.VALUE]
        equal(len(value) * 8, bits, "length of the value")
        sealed = key.encrypt(MESSAGE, mechanism_param=IV)
        open_cbc = Cipher(algorithms.AES(value), modes.CBC(IV)).decryptor()
        opened = open_cbc.update(sealed) + open_cbc.finalize()
        equal(opened[:-opened[-1]], MESSAGE, "CBC-PAD")
        equal(key.decrypt(sealed, mechanism_param=IV), MESSAGE, "CBC-PAD back")
        parts = b"".join(key.encrypt((MESSAGE[:20], MESSAGE[20:]), mechanism_param=IV))
        equal(parts, sealed, "CBC-PAD in parts")
        gcm = pkcs11.GCMParams(nonce=IV[:12], aad=b"context", tag_bits=128)
        sealed = key.encrypt(MESSAGE, mechanism=Mechanism.AES_GCM, mechanism_param=gcm)
        open_gcm = Cipher(algorithms.AES(value), modes.GCM(IV[:12], sealed[-16:])).decryptor()
        open_gcm.authenticate_additional_data(b"context")
        equal(open_gcm.update(sealed[:-16]) + open_gcm.finalize(), MESSAGE, "GCM")
        equal(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=gcm), MESSAGE, "GCM")
        refused(pkcs11.PKCS11Error, key.decrypt, sealed[:-1] + bytes([sealed[-1] ^ 1]),
                mechanism=Mechanism.AES_GCM, mechanism_param=gcm)


def wrap(session):
    """A key with every usage wraps another; the wrapped form is RFC 3394's."""
    wrapping = session.generate_key(KeyType.AES, 256, template=READABLE)
    target = session.generate_key(KeyType.AES, 128, template=READABLE)
    wrapped = wrapping.wrap_key(target)
    equal(keywrap.aes_key_unwrap(wrapping[Attribute.VALUE], wrapped), target[Attribute.VALUE],
          "RFC 3394")
    back = wrapping.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, wrapped, template=READABLE)
    equal(back[Attribute.VALUE], target[Attribute.VALUE], "unwrapped")
    hidden = session.generate_key(
        KeyType.AES, 256, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False})
    refused(pkcs11.PKCS11Error, wrapping.wrap_key, hidden)
    refused(pkcs11.AttributeSensitive, lambda: hidden[Attribute.VALUE])
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    wrapped = public.wrap_key(target)
    back = private.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, wrapped, template=READABLE)
    equal(back[Attribute.VALUE], target[Attribute.VALUE], "unwrapped by RSA")


def rsa_keys(session):
    """RSA with PKCS#1 v1.5, PSS and OAEP, against `cryptography` in both directions."""
    public, private = session.generate_keypair(KeyType.RSA, 2048, id=b"r", store=True)
    outside = serialization.load_der_public_key(pem_less(encode_rsa_public_key(public)))
    equal(outside.key_size, 2048, "size")
    signature = private.sign(MESSAGE)
    outside.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA512())
    equal(public.verify(MESSAGE, signature), True, "verify")
    equal(public.verify(MESSAGE + b"!", signature), False, "verify another message")
    signature = private.sign((MESSAGE[:9], MESSAGE[9:]), mechanism=Mechanism.SHA256_RSA_PKCS)
    outside.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    signature = private.sign(MESSAGE, mechanism=Mechanism.SHA256_RSA_PKCS_PSS,
                             mechanism_param=(Mechanism.SHA256, MGF.SHA256, 32))
    outside.verify(signature, MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                   hashes.SHA256())
    sealed = outside.encrypt(MESSAGE, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    equal(private.decrypt(sealed), MESSAGE, "OAEP")
    equal(private.decrypt(public.encrypt(MESSAGE)), MESSAGE, "OAEP in the token")
    private.destroy()
    public.destroy()


def pem_less(pkcs1):
    """A SubjectPublicKeyInfo of a PKCS#1 public key."""
    key = serialization.load_pem_public_key(pem("RSA PUBLIC KEY", pkcs1))
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(what, der):
    import base64
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {what}-----\n{body}-----END {what}-----\n".encode()


def ec_keys(session):
    """ECDSA and ECDH on the NIST curves."""
    for name, curve in (("secp256r1", ec.SECP256R1()), ("secp384r1", ec.SECP384R1()),
                        ("secp521r1", ec.SECP521R1())):
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(name)}, local=True)
        public, private = parameters.generate_keypair()
        outside = serialization.load_der_public_key(encode_ec_public_key(public))
        equal(outside.curve.name, curve.name, "curve")
        signature = private.sign(MESSAGE, mechanism=Mechanism.ECDSA_SHA256)
        outside.verify(encode_ecdsa_signature(signature), MESSAGE, ec.ECDSA(hashes.SHA256()))
        equal(public.verify(MESSAGE, signature, mechanism=Mechanism.ECDSA_SHA256), True, name)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(MESSAGE)
        digest = digest.finalize()
        signature = private.sign(digest, mechanism=Mechanism.ECDSA)
        outside.verify(encode_ecdsa_signature(signature), digest,
                       ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        ours = ec.generate_private_key(curve)
        point = ours.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        agreeing_public, agreeing = parameters.generate_keypair()
        agreed = agreeing.derive_key(KeyType.GENERIC_SECRET, 256, capabilities=0,
                                     mechanism_param=(KDF.NULL, None, point), template=READABLE)
        peer = serialization.load_der_public_key(encode_ec_public_key(agreeing_public))
        # Truncation takes "bytes from the leading end of the secret value" (PKCS#11, ECDH1).
        equal(agreed[Attribute.VALUE], ours.exchange(ec.ECDH(), peer)[-32:], f"ECDH on {name}")
        imported = session.create_object(decode_ec_public_key(ours.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)))
        signature = ours.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
        pair = utils.decode_dss_signature(signature)
        size = (curve.key_size + 7) // 8
        raw = b"".join(number.to_bytes(size, "big") for number in pair)
        equal(imported.verify(MESSAGE, raw, mechanism=Mechanism.ECDSA_SHA256), True, "imported")


def edwards(session):
    """Ed25519; CKA_EC_POINT of an Edwards key is the raw point."""
    parameters = session.create_domain_parameters(
        KeyType.EC_EDWARDS,
        {Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}, local=True)
    public, private = parameters.generate_keypair()
    signature = private.sign(MESSAGE, mechanism=Mechanism.EDDSA)
    point = public[Attribute.EC_POINT]
    ed25519.Ed25519PublicKey.from_public_bytes(point[-32:]).verify(signature, MESSAGE)


def search(session):
    """Token objects are found by class, label and id, and are gone when destroyed."""
    for number in range(20):
        session.generate_key(KeyType.AES, 256, label=f"key {number % 10}", id=bytes([number]),
                             store=True)
    equal(len(list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))), 20, "all")
    equal(len(list(session.get_objects({Attribute.LABEL: "key 3"}))), 2, "by label")
    key = session.get_key(id=b"\x0c")
    equal((key.label, key.key_length), ("key 2", 256), "by id")
    refused(pkcs11.MultipleObjectsReturned, session.get_key, label="key 3")
    refused(pkcs11.NoSuchKey, session.get_key, label="nobody")
    key[Attribute.LABEL] = "renamed"
    equal(session.get_key(label="renamed").id, b"\x0c", "renamed")
    copy = key.copy({Attribute.LABEL: "copied", Attribute.TOKEN: False})
    equal(copy.decrypt(key.encrypt(MESSAGE, mechanism_param=IV), mechanism_param=IV), MESSAGE, "copy")
    for found in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}):
        found.destroy()
    equal(list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})), [], "none")


def certificates(session):
    """A certificate is kept, found and read back, and its public key verifies what it signed."""
    import datetime
    ours = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "python")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(ours.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=2))
                   .sign(ours, hashes.SHA256()))
    der = certificate.public_bytes(serialization.Encoding.DER)
    kept = session.create_object(
        {**decode_x509_certificate(der), Attribute.TOKEN: True, Attribute.LABEL: "paper"})
    equal(kept[Attribute.VALUE], der, "read back")
    found, = session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE,
                                  Attribute.LABEL: "paper"})
    equal(found[Attribute.SUBJECT], name.public_bytes(), "subject")
    public = session.create_object(decode_x509_public_key(der))
    equal(public.verify(certificate.tbs_certificate_bytes, certificate.signature,
                        mechanism=Mechanism.SHA256_RSA_PKCS), True, "self-signed")
    again = decode_rsa_public_key(ours.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1))
    equal(session.create_object(again)[Attribute.MODULUS], public[Attribute.MODULUS], "modulus")


def threads(session):
    """Many threads on one session object each, as the library allows."""
    token = session.token
    key = session.generate_key(KeyType.AES, 256, label="shared", store=True)
    failures = []

    def work():
        try:
            with token.open() as own:
                for _ in range(20):
                    mine = own.get_key(label="shared")
                    sealed = mine.encrypt(MESSAGE, mechanism_param=IV)
                    equal(mine.decrypt(sealed, mechanism_param=IV), MESSAGE, "in a thread")
        except Exception as error:  # the main thread tells
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    key.destroy()
    if failures:
        raise failures[0]


SCENARIOS = {
    "aes": aes, "wrap": wrap, "rsa": rsa_keys, "ec": ec_keys, "edwards": edwards,
    "search": search, "certificates": certificates, "threads": threads,
}


def main():
    module, label, pin, scenario = sys.argv[1:]
    library = pkcs11.lib(module)
    token = library.get_token(token_label=label)
    with token.open(rw=True, user_pin=pin) as session:
        SCENARIOS[scenario](session)
    print("passed")


if __name__ == "__main__":
    main()
