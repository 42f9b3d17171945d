"""Drives a KMIP server with PyKMIP, unmodified.

A scenario makes its own objects, uses them, checks every answer against an independent
implementation (the `cryptography` package) and destroys them. A verb does one thing to an object
that somebody else made. Either prints one JSON document and exits 0; a refusal by the server
prints {"refused": <result reason>} and exits 3.
"""

import argparse
import json
import logging
import ssl
import sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, keywrap, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from kmip.core import attributes, enums, objects as core_objects
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure
from kmip.core.exceptions import KmipError

Mask = enums.CryptographicUsageMask
Reason = enums.ResultReason
ENCRYPT_AND_DECRYPT = [Mask.ENCRYPT, Mask.DECRYPT]
CBC = {
    "cryptographic_algorithm": enums.CryptographicAlgorithm.AES,
    "block_cipher_mode": enums.BlockCipherMode.CBC,
    "padding_method": enums.PaddingMethod.PKCS5,
}
RSA_SHA256 = {
    "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
    "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
    "padding_method": enums.PaddingMethod.PKCS1v15,
    "digital_signature_algorithm": (
        enums.DigitalSignatureAlgorithm.SHA256_WITH_RSA_ENCRYPTION),
}
MESSAGE = b"the quick brown fox jumps over the lazy dog"
IV = bytes(range(16))


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


def refused(reason, function, *args, **kwargs):
    """The server must refuse this call, with this result reason (or one of these)."""
    reasons = reason if isinstance(reason, tuple) else (reason,)
    try:
        answer = function(*args, **kwargs)
    except (KmipOperationFailure, KmipError) as error:
        check(error.reason in reasons, f"refused as {error.reason}, wanted {reasons}: {error}")
        return
    raise AssertionError(f"not refused: {answer!r}")


def attribute(name, value):
    return AttributeFactory().create_attribute(name, value)


def name_attribute(name):
    return attribute(enums.AttributeType.NAME, name)


def cbc_encrypt(key, data):
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(IV)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def attributes_of(client, uid, names=None):
    """The attributes of an object as {name: [values]}."""
    _, listed = client.get_attributes(uid, names)
    found = {}
    for item in listed:
        value = item.attribute_value
        found.setdefault(item.attribute_name.value, []).append(getattr(value, "value", value))
    return found


def state_of(client, uid):
    return attributes_of(client, uid, ["State"])["State"][0]


def not_found(version):
    return Reason.OBJECT_NOT_FOUND if version >= (2, 0) else Reason.ITEM_NOT_FOUND


def put_away(client, *uids):
    """Revokes and destroys; afterwards the material is gone."""
    for uid in uids:
        # Opaque objects have no state.
        if attributes_of(client, uid, ["State"]).get("State") == [enums.State.ACTIVE]:
            client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        client.destroy(uid)


def make_aes(client, name, bits=256):
    return client.create(
        enums.CryptographicAlgorithm.AES, bits, name=name,
        cryptographic_usage_mask=ENCRYPT_AND_DECRYPT)


# Scenarios


def scenario_symmetric(client, version):
    """A key is made, named, found, activated, used where the version can, taken out, destroyed."""
    uid = make_aes(client, "pykmip symmetric")
    equal(client.locate(attributes=[name_attribute("pykmip symmetric")]), [uid], "Locate by Name")
    equal(client.locate(attributes=[name_attribute("pykmip nothing")]), [], "Locate without a hit")
    equal(state_of(client, uid), enums.State.PRE_ACTIVE, "state after Create")

    found = attributes_of(client, uid)
    equal(found["Cryptographic Algorithm"], [enums.CryptographicAlgorithm.AES], "algorithm")
    equal(found["Cryptographic Length"], [256], "length")
    equal(found["Cryptographic Usage Mask"], [12], "usage mask")
    equal(found["Object Type"], [enums.ObjectType.SYMMETRIC_KEY], "object type")
    equal([str(name.name_value.value) if hasattr(name, "name_value") else str(name)
           for name in found["Name"]], ["pykmip symmetric"], "name")
    names = client.get_attribute_list(uid)
    for wanted in ["Unique Identifier", "Object Type", "State", "Name", "Cryptographic Length"]:
        check(wanted in names, f"{wanted} is not in the attribute list {names}")

    client.activate(uid)
    equal(state_of(client, uid), enums.State.ACTIVE, "state after Activate")
    key = client.get(uid)
    equal((key.cryptographic_algorithm, key.cryptographic_length, len(key.value)),
          (enums.CryptographicAlgorithm.AES, 256, 32), "the key taken out")

    if version >= (1, 2):
        sealed, _ = client.encrypt(MESSAGE, uid, CBC, IV)
        equal(sealed, cbc_encrypt(key.value, MESSAGE), "Encrypt AES-CBC-PKCS5")
        equal(client.decrypt(sealed, uid, CBC, IV), MESSAGE, "Decrypt AES-CBC-PKCS5")
        sealed, iv = client.encrypt(MESSAGE, uid, dict(CBC, random_iv=True))
        equal(len(iv), 16, "length of the random IV")
        equal(client.decrypt(sealed, uid, CBC, iv), MESSAGE, "Decrypt with the random IV")

    # 1.4 table 348; 2.0 section 6.1.15.1.
    refused(Reason.WRONG_KEY_LIFECYCLE_STATE if version >= (2, 0) else Reason.PERMISSION_DENIED,
            client.destroy, uid)
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
    equal(state_of(client, uid), enums.State.DEACTIVATED, "state after Revoke")
    client.destroy(uid)
    # Either the record is kept, as destroyed, or nothing is left of it. "The server only has
    # attributes for this object" is an Illegal Operation (1.4 table 338).
    try:
        equal(state_of(client, uid), enums.State.DESTROYED, "state after Destroy")
    except KmipOperationFailure as error:
        equal(error.reason, not_found(version), "after Destroy")
    refused((not_found(version), Reason.ILLEGAL_OPERATION, Reason.KEY_VALUE_NOT_PRESENT,
             Reason.OBJECT_DESTROYED), client.get, uid)


def scenario_key_pair(client, version):
    """An RSA pair is made, linked, activated, signs, verifies and is taken out."""
    public, private = client.create_key_pair(
        enums.CryptographicAlgorithm.RSA, 2048, public_name="pykmip public",
        private_name="pykmip private", public_usage_mask=[Mask.VERIFY, Mask.ENCRYPT],
        private_usage_mask=[Mask.SIGN, Mask.DECRYPT])
    equal(client.locate(attributes=[name_attribute("pykmip private")]), [private], "Locate")
    client.activate(public)
    client.activate(private)
    key = client.get(public)
    loaded = load_public(key)
    half = client.get(private)
    check(load_private(half).public_key().public_numbers() == loaded.public_numbers(),
          "the two halves do not belong together")

    if version >= (1, 2):
        signature = client.sign(MESSAGE, private, RSA_SHA256)
        loaded.verify(signature, MESSAGE, rsa_padding.PKCS1v15(), hashes.SHA256())
        equal(client.signature_verify(MESSAGE, signature, public, RSA_SHA256),
              enums.ValidityIndicator.VALID, "Signature Verify")
        equal(client.signature_verify(MESSAGE + b"!", signature, public, RSA_SHA256),
              enums.ValidityIndicator.INVALID, "Signature Verify of another message")
    put_away(client, public, private)


def scenario_oaep(client, version):
    """What the server encrypts with the public half, the private half decrypts, here and there."""
    del version
    public, private = client.create_key_pair(
        enums.CryptographicAlgorithm.RSA, 2048, public_usage_mask=[Mask.ENCRYPT],
        private_usage_mask=[Mask.DECRYPT])
    client.activate(public)
    client.activate(private)
    oaep = {"cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
            "padding_method": enums.PaddingMethod.OAEP,
            "hashing_algorithm": enums.HashingAlgorithm.SHA_256}
    sealed, _ = client.encrypt(MESSAGE, public, oaep)
    equal(client.decrypt(sealed, private, oaep), MESSAGE, "OAEP")
    put_away(client, public, private)


def load_public(key):
    if key.key_format_type == enums.KeyFormatType.PKCS_1:
        return serialization.load_der_public_key(wrap_pkcs1(key.value))
    return serialization.load_der_public_key(key.value)


def wrap_pkcs1(der):
    """SubjectPublicKeyInfo around a PKCS#1 RSAPublicKey."""
    def tlv(tag, body):
        size = len(body)
        if size < 128:
            return bytes([tag, size]) + body
        length = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(length)]) + length + body
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return tlv(0x30, algorithm + tlv(0x03, b"\0" + der))


def load_private(key):
    return serialization.load_der_private_key(key.value, None)


def scenario_register(client, version):
    """Objects of every kind that PyKMIP knows go in and come out as they were."""
    del version
    pair = rsa.generate_private_key(65537, 2048)
    pkcs8 = pair.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                               serialization.NoEncryption())
    pkcs1 = pair.private_bytes(serialization.Encoding.DER,
                               serialization.PrivateFormat.TraditionalOpenSSL,
                               serialization.NoEncryption())
    spki = pair.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    algorithm = enums.CryptographicAlgorithm
    kept = [
        objects.SymmetricKey(algorithm.AES, 128, bytes(range(16)), ENCRYPT_AND_DECRYPT, "r aes"),
        objects.SecretData(b"a password", enums.SecretDataType.PASSWORD, name="r secret"),
        objects.OpaqueObject(b"\x01\x02\x03", enums.OpaqueDataType.NONE, "r opaque"),
        objects.PublicKey(algorithm.RSA, 2048, spki, enums.KeyFormatType.X_509,
                          [Mask.VERIFY], "r public"),
        objects.PrivateKey(algorithm.RSA, 2048, pkcs8, enums.KeyFormatType.PKCS_8,
                           [Mask.SIGN], "r private"),
        objects.PrivateKey(algorithm.RSA, 2048, pkcs1, enums.KeyFormatType.PKCS_1,
                           [Mask.SIGN], "r private 1"),
        objects.X509Certificate(certificate(pair), [Mask.VERIFY], "r certificate"),
    ]
    for item in kept:
        uid = client.register(item)
        back = client.get(uid)
        equal(type(back), type(item), f"{item.names}: kind")
        equal(back.value, item.value, f"{item.names}: value")
        equal(client.locate(attributes=[name_attribute(item.names[0])]), [uid], "Locate by Name")
        put_away(client, uid)


def certificate(pair):
    import datetime
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pykmip")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
               .public_key(pair.public_key()).serial_number(7).not_valid_before(now)
               .not_valid_after(now + datetime.timedelta(days=2)))
    return builder.sign(pair, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def scenario_mac(client, version):
    """HMAC-SHA-256 agrees with an independent one."""
    del version
    key = bytes(range(32))
    uid = client.register(objects.SymmetricKey(
        enums.CryptographicAlgorithm.HMAC_SHA256, 256, key,
        [Mask.MAC_GENERATE, Mask.MAC_VERIFY], "pykmip mac"))
    client.activate(uid)
    _, mac = client.mac(MESSAGE, uid, enums.CryptographicAlgorithm.HMAC_SHA256)
    reference = hmac.HMAC(key, hashes.SHA256())
    reference.update(MESSAGE)
    equal(mac, reference.finalize(), "MAC")
    put_away(client, uid)


def scenario_wrap(client, version):
    """Get with a Key Wrapping Specification: AES key wrap (RFC 3394), no encoding."""
    del version
    kek, key = bytes(range(32)), bytes(range(100, 132))
    wrapping = client.register(objects.SymmetricKey(
        enums.CryptographicAlgorithm.AES, 256, kek, [Mask.WRAP_KEY, Mask.UNWRAP_KEY], "pykmip kek"))
    client.activate(wrapping)
    uid = client.register(objects.SymmetricKey(
        enums.CryptographicAlgorithm.AES, 256, key, ENCRYPT_AND_DECRYPT, "pykmip wrapped"))
    client.activate(uid)
    specification = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": wrapping,
            "cryptographic_parameters": {
                "block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP}},
    }
    # Without this, and in 1.0 always, what is wrapped is the TTLV of the Key Value, and the answer's
    # Key Value is a byte string, which PyKMIP cannot read.
    specification["encoding_option"] = enums.EncodingOption.NO_ENCODING
    wrapped = client.get(uid, specification)
    equal(keywrap.aes_key_unwrap(kek, wrapped.value), key, "the unwrapped key")
    put_away(client, uid, wrapping)


def scenario_attributes(client, version):
    """Attributes are added, changed, deleted, each in the way of its version."""
    uid = make_aes(client, "pykmip attributes")
    if version < (2, 0):
        changed = attribute(enums.AttributeType.NAME, "pykmip renamed")
        changed.attribute_index = core_objects.Attribute.AttributeIndex(0)
        client.modify_attribute(uid, attribute=changed)
        equal(client.locate(attributes=[name_attribute("pykmip renamed")]), [uid], "after Modify")
        equal(client.locate(attributes=[name_attribute("pykmip attributes")]), [], "the old name")
        client.delete_attribute(uid, attribute_name="Name", attribute_index=0)
    else:
        client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True)
        equal(attributes_of(client, uid, ["Sensitive"])["Sensitive"], [True], "after Set")
        current = core_objects.CurrentAttribute(attribute=attributes.Name.create(
            "pykmip attributes", enums.NameType.UNINTERPRETED_TEXT_STRING))
        client.delete_attribute(uid, current_attribute=current)
    equal(attributes_of(client, uid, ["Name"]).get("Name", []), [], "after Delete")
    put_away(client, uid)


def scenario_refusals(client, version):
    """Mistakes get the reason that the standard names for them."""
    refused(not_found(version), client.get, "no-such-object")
    refused(not_found(version), client.activate, "no-such-object")
    uid = make_aes(client, "pykmip refusals")
    if version >= (1, 2):
        refused((Reason.WRONG_KEY_LIFECYCLE_STATE, Reason.PERMISSION_DENIED),
                client.encrypt, MESSAGE, uid, CBC, IV)
        client.activate(uid)
        refused((Reason.INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK, Reason.PERMISSION_DENIED,
                 Reason.INVALID_FIELD, Reason.INVALID_OBJECT_TYPE),
                client.mac, MESSAGE, uid, enums.CryptographicAlgorithm.HMAC_SHA256)
        refused((Reason.CRYPTOGRAPHIC_FAILURE, Reason.INVALID_FIELD, Reason.INVALID_MESSAGE),
                client.decrypt, b"not a whole block", uid, CBC, IV)
    refused((Reason.INVALID_FIELD, Reason.CRYPTOGRAPHIC_FAILURE, Reason.INVALID_ATTRIBUTE_VALUE),
            client.create, enums.CryptographicAlgorithm.AES, 77,
            cryptographic_usage_mask=ENCRYPT_AND_DECRYPT)
    put_away(client, uid)


def scenario_query(client, version):
    """Query and Discover Versions."""
    proxy = client.proxy
    result = proxy.query(query_functions=[
        enums.QueryFunction.QUERY_OPERATIONS, enums.QueryFunction.QUERY_OBJECTS,
        enums.QueryFunction.QUERY_SERVER_INFORMATION])
    equal(result.result_status.value, enums.ResultStatus.SUCCESS, "Query")
    operations = set(result.operations)
    for wanted in ["CREATE", "GET", "LOCATE", "ACTIVATE", "DESTROY"]:
        check(enums.Operation[wanted] in operations, f"Query does not name {wanted}")
    if version < (1, 2):
        check(enums.Operation.ENCRYPT not in operations, "Encrypt is newer than the request")
    if version >= (1, 1):
        versions = proxy.discover_versions().protocol_versions
        found = [(item.major, item.minor) for item in versions]
        equal(found, sorted(found, reverse=True), "versions in order of preference")
        check(version in found, f"{version} is not in {found}")
        only = proxy.discover_versions(protocol_versions=versions[:1]).protocol_versions
        equal(only, versions[:1], "Discover Versions with one version asked for")


# Verbs: each takes the client, the version and the arguments, and returns what to print.


def verb_create(client, version, args):
    del version
    return {"uid": make_aes(client, args.name)}


def verb_create_many(client, version, args):
    """Makes keys until the server is gone; prints each identifier as soon as it is answered."""
    del version
    made = 0
    while True:
        try:
            print(make_aes(client, f"{args.name}-{made}"), flush=True)
        except (OSError, EOFError) as error:
            return {"made": made, "ended": str(error)}
        made += 1


def verb_locate(client, version, args):
    del version
    return {"uids": client.locate(attributes=[name_attribute(args.name)] if args.name else None)}


def verb_state(client, version, args):
    del version
    return {"state": state_of(client, args.uid).name}


def verb_attributes(client, version, args):
    del version
    return {name: [str(value) for value in values]
            for name, values in attributes_of(client, args.uid).items()}


def verb_activate(client, version, args):
    del version
    client.activate(args.uid)
    return {}


def verb_revoke(client, version, args):
    del version
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, args.uid)
    return {}


def verb_destroy(client, version, args):
    del version
    client.destroy(args.uid)
    return {}


def verb_get(client, version, args):
    del version
    return {"value": client.get(args.uid).value.hex()}


def verb_encrypt(client, version, args):
    del version
    data, _ = client.encrypt(bytes.fromhex(args.data), args.uid, CBC, bytes.fromhex(args.iv))
    return {"data": data.hex()}


def verb_decrypt(client, version, args):
    del version
    data = client.decrypt(bytes.fromhex(args.data), args.uid, CBC, bytes.fromhex(args.iv))
    return {"data": data.hex()}


def verb_sign(client, version, args):
    del version
    return {"signature": client.sign(bytes.fromhex(args.data), args.uid, RSA_SHA256).hex()}


def verb_verify(client, version, args):
    del version
    answer = client.signature_verify(
        bytes.fromhex(args.data), bytes.fromhex(args.signature), args.uid, RSA_SHA256)
    return {"valid": answer == enums.ValidityIndicator.VALID}


def named(prefix):
    return {name[len(prefix):].replace("_", "-"): function
            for name, function in globals().items() if name.startswith(prefix)}


def main():
    logging.disable(logging.WARNING)  # "Config file not found": there is none
    scenarios, verbs = named("scenario_"), named("verb_")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--version", default="1.2", help="protocol version of the requests")
    parser.add_argument("--tls", default="PROTOCOL_TLS", help="protocol constant of Python's ssl")
    for option in ["name", "uid", "data", "iv", "signature"]:
        parser.add_argument("--" + option)
    parser.add_argument("what", choices=sorted(scenarios) + sorted(verbs))
    args = parser.parse_args()

    version = tuple(int(part) for part in args.version.split("."))
    check(hasattr(ssl, args.tls), f"no {args.tls}")
    client = ProxyKmipClient(
        hostname=args.host, port=args.port, cert=args.cert, key=args.key, ca=args.ca,
        ssl_version=args.tls, config_file=None,
        kmip_version=enums.KMIPVersion[f"KMIP_{version[0]}_{version[1]}"])
    try:
        with client:
            if args.what in scenarios:
                scenarios[args.what](client, version)
                answer = {"passed": args.what}
            else:
                answer = verbs[args.what](client, version, args)
    except (KmipOperationFailure, KmipError) as error:
        print(json.dumps({"refused": getattr(error.reason, "name", str(error.reason)),
                          "message": str(error)}))
        if args.what in scenarios:
            raise
        sys.exit(3)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
