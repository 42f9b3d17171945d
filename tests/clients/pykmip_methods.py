"""Calls every method of PyKMIP's two clients, ProxyKmipClient and the KMIPProxy under it, at one
protocol version, on one connection, and checks what comes back by value.

`pykmip_methods.py --port N --cert FILE --key FILE --ca FILE --version V` plays the scenarios of
pykmip_driver.py that the version has, then those here. That no method was left out is checked at
the end. Prints {"passed": …}.
"""

import argparse
import inspect
import json
import logging

import pykmip_driver as driver
from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf import kbkdf, pbkdf2
from kmip.core import enums, objects as core_objects
from kmip.core.exceptions import VersionNotSupported
from kmip.core.misc import KeyFormatType
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from pykmip_driver import (
    CBC, ENCRYPT_AND_DECRYPT, IV, MESSAGE, RSA_SHA256, Mask, Reason, attribute, attributes_of, check,
    equal, make_aes, name_attribute, not_found, put_away, refused, state_of)

Kind = enums.AttributeType
AES = enums.CryptographicAlgorithm.AES


def succeeded(result, what):
    """A result of the lower client, which raises nothing."""
    status = result["result_status"] if isinstance(result, dict) else result.result_status.value
    equal(status, enums.ResultStatus.SUCCESS, what)
    return result


def failed(result, reasons, what):
    reason = result["result_reason"] if isinstance(result, dict) else result.result_reason.value
    check(reason in reasons, f"{what}: {reason}, wanted {reasons}")


def since(version, first, function, *args, **kwargs):
    """Calls `function` where the version has the operation; else it must be refused as unknown."""
    if version >= first:
        return function(*args, **kwargs)
    refused(Reason.OPERATION_NOT_SUPPORTED, function, *args, **kwargs)
    return None


def named_key(client, name, value=None, masks=None, algorithm=AES, active=True):
    value = value or bytes(range(32))
    uid = client.register(objects.SymmetricKey(
        algorithm, len(value) * 8, value, masks or ENCRYPT_AND_DECRYPT, name))
    if active:
        client.activate(uid)
    return uid


def play_locate(client, version):
    """Locate by every attribute that has an index here, by several, with limits."""
    uids = [make_aes(client, f"locate {number}") for number in range(3)]
    secret = client.register(objects.SecretData(
        b"a password", enums.SecretDataType.PASSWORD, name="locate secret"))

    def found(*wanted, **how):
        listed = [attribute(kind, value) for kind, value in wanted]
        return set(client.locate(attributes=listed or None, **how))

    equal(found((Kind.NAME, "locate 1")), {uids[1]}, "by Name")
    equal(found((Kind.UNIQUE_IDENTIFIER, uids[2])), {uids[2]}, "by Unique Identifier")
    equal(found((Kind.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY)), set(uids), "by Object Type")
    equal(found((Kind.OBJECT_TYPE, enums.ObjectType.SECRET_DATA)), {secret}, "by Object Type")
    equal(found((Kind.CRYPTOGRAPHIC_ALGORITHM, AES)), set(uids), "by algorithm")
    equal(found((Kind.CRYPTOGRAPHIC_LENGTH, 128)), set(), "by another length")
    equal(found((Kind.CRYPTOGRAPHIC_LENGTH, 256), (Kind.CRYPTOGRAPHIC_ALGORITHM, AES)), set(uids),
          "by length and algorithm")
    equal(found((Kind.CRYPTOGRAPHIC_USAGE_MASK, [Mask.ENCRYPT])), set(uids), "by usage")
    equal(found((Kind.CRYPTOGRAPHIC_USAGE_MASK, [Mask.SIGN])), set(), "by another usage")
    client.activate(uids[0])
    equal(found((Kind.STATE, enums.State.ACTIVE)), {uids[0]}, "by State")
    born = attributes_of(client, uids[0], ["Initial Date"])["Initial Date"][0]
    equal(found((Kind.INITIAL_DATE, born - 3600), (Kind.INITIAL_DATE, born + 3600)),
          set(uids) | {secret}, "by a range of dates")
    equal(found((Kind.INITIAL_DATE, born - 3600), (Kind.INITIAL_DATE, born - 1800)), set(),
          "by a range before")
    equal(len(found((Kind.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY), maximum_items=2)), 2,
          "Maximum Items")
    if version >= (1, 3):
        rest = found((Kind.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY), offset_items=2)
        equal(len(rest), 1, "Offset Items")
    equal(found(storage_status_mask=1), set(uids) | {secret}, "on-line")
    equal(found(storage_status_mask=2), set(), "archived")
    if version >= (1, 1):
        # An object is fresh until its value has been handed out.
        fresh = enums.ObjectGroupMember.GROUP_MEMBER_FRESH
        equal(found(object_group_member=fresh), set(uids) | {secret}, "fresh")
        client.get(uids[0])
        equal(found(object_group_member=fresh), {*uids[1:], secret}, "fresh after Get")
    put_away(client, *uids, secret)


def play_check(client, version):
    """Check says which of the demands a key does not meet."""
    uid = make_aes(client, "check")
    client.activate(uid)
    equal(client.check(uid, cryptographic_usage_mask=[Mask.ENCRYPT]), uid, "a usage it has")
    refused_check(client, "no-such-object", [Mask.ENCRYPT])
    answer = refused_check(client, uid, [Mask.ENCRYPT, Mask.SIGN])
    if version < (2, 0):  # To 1.4 the failure says what was refused.
        equal(set(answer["cryptographic_usage_mask"]), {Mask.ENCRYPT, Mask.SIGN}, "what is refused")
        equal(answer["unique_identifier"], None, "the identifier of what may not be used so")
        failed(answer, (Reason.PERMISSION_DENIED,), "Check")
    put_away(client, uid)


def refused_check(client, uid, masks):
    try:
        answer = client.proxy.check(uid, cryptographic_usage_mask=masks)
    except AttributeError as error:  # PyKMIP expects a payload in every failure.
        check("usage_limits_count" in str(error), error)
        return None
    check(answer["result_status"] != enums.ResultStatus.SUCCESS, f"not refused: {answer}")
    return answer


def play_rekey(client, version):
    """A new key takes the name of the old one, with dates of its own."""
    old = make_aes(client, "rekey")
    client.activate(old)
    before = client.get(old).value
    new = client.rekey(old, offset=0)
    check(new != old, "a new identifier")
    check(client.get(new).value != before, "a new value")
    equal(client.get(old).value, before, "the old value")
    equal(client.locate(attributes=[name_attribute("rekey")]), [new], "the name")
    check("Link" in client.get_attribute_list(new), "a link to the old key")
    dated = client.rekey(new, activation_date=2_000_000_000, deactivation_date=2_100_000_000)
    found = attributes_of(client, dated, ["Activation Date", "Deactivation Date", "State"])
    equal((found["Activation Date"], found["Deactivation Date"]),
          ([2_000_000_000], [2_100_000_000]), "dates")
    equal(found["State"], [enums.State.PRE_ACTIVE], "state before its activation")
    refused(not_found(version), client.rekey, "no-such-object")
    put_away(client, old, new, dated)


def play_rekey_key_pair(client, version):
    """The lower client alone has it: a new pair whose halves belong together."""
    public, private = client.create_key_pair(
        enums.CryptographicAlgorithm.RSA, 2048, public_name="pair public",
        private_name="pair private", public_usage_mask=[Mask.VERIFY],
        private_usage_mask=[Mask.SIGN])
    client.activate(public)
    client.activate(private)
    if version < (1, 1):
        # A response without the operation's payload, which PyKMIP does not expect.
        try:
            result = client.proxy.rekey_key_pair(private_key_uuid=driver.attributes.PrivateKeyUniqueIdentifier(
            private))
        except Exception as error:
            check(not isinstance(error, OSError), f"the connection broke: {error}")
        else:
            failed(result, (Reason.OPERATION_NOT_SUPPORTED,), "Re-key Key Pair")
        put_away(client, public, private)
        return
    result = succeeded(client.proxy.rekey_key_pair(private_key_uuid=driver.attributes.PrivateKeyUniqueIdentifier(
            private)), "Re-key Key Pair")
    new_public, new_private = result.public_key_uuid, result.private_key_uuid
    check(len({public, private, new_public, new_private}) == 4, "new identifiers")
    half = driver.load_private(client.get(new_private))
    whole = driver.load_public(client.get(new_public))
    equal(half.public_key().public_numbers(), whole.public_numbers(), "the halves")
    check(driver.load_public(client.get(public)).public_numbers() != whole.public_numbers(),
          "a new pair")
    equal(client.locate(attributes=[name_attribute("pair private")]), [new_private], "the name")
    put_away(client, public, private, new_public, new_private)


def play_derive_key(client, version):
    """Keys derived by every method that PyKMIP can parametrize, against `cryptography`."""
    value, iterations = bytes(range(7, 39)), 1000
    key = named_key(client, "derive", value, [Mask.DERIVE_KEY])
    password = client.register(objects.SecretData(
        b"a password", enums.SecretDataType.PASSWORD, [Mask.DERIVE_KEY], "derive password"))
    client.activate(password)
    sha256 = {"hashing_algorithm": enums.HashingAlgorithm.SHA_256}
    tag = hmac.HMAC(value, hashes.SHA256())
    tag.update(MESSAGE)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(value)
    block = MESSAGE[:32]
    cbc = Cipher(algorithms.AES(value), modes.CBC(IV)).encryptor()
    counter = kbkdf.KBKDFHMAC(
        hashes.SHA256(), kbkdf.Mode.CounterMode, 32, 4, None, kbkdf.CounterLocation.BeforeFixed,
        None, None, MESSAGE)
    feedback = hmac.HMAC(value, hashes.SHA256())
    feedback.update(bytes([0, 0, 0, 1]) + MESSAGE)
    method = enums.DerivationMethod
    cases = [
        (method.PBKDF2, password,
         {"cryptographic_parameters": sha256, "salt": b"salt salt", "iteration_count": iterations},
         pbkdf2.PBKDF2HMAC(hashes.SHA256(), 32, b"salt salt", iterations).derive(b"a password")),
        (method.HMAC, key, {"cryptographic_parameters": sha256, "derivation_data": MESSAGE},
         tag.finalize()),
        # Of the key or of Derivation Data, not of both; PyKMIP always names a key.
        (method.HASH, key, {"cryptographic_parameters": sha256}, digest.finalize()),
        (method.ENCRYPT, key,
         {"cryptographic_parameters": {"block_cipher_mode": enums.BlockCipherMode.CBC},
          "initialization_vector": IV, "derivation_data": block},
         cbc.update(block) + cbc.finalize()),
        (method.NIST800_108_C, key,
         {"cryptographic_parameters": sha256, "derivation_data": MESSAGE}, counter.derive(value)),
    ]
    made = []
    for how, base, parameters, wanted in cases:
        for kind in (enums.ObjectType.SYMMETRIC_KEY, enums.ObjectType.SECRET_DATA):
            named = {"cryptographic_algorithm": AES} if kind == enums.ObjectType.SYMMETRIC_KEY else {}
            uid = client.derive_key(kind, [base], how, parameters, cryptographic_length=256,
                                    cryptographic_usage_mask=ENCRYPT_AND_DECRYPT, **named)
            got = client.get(uid)
            equal(got.value, wanted, f"{how} to {kind}")
            made.append(uid)
    short = client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY, [key], method.HMAC,
        {"cryptographic_parameters": sha256, "derivation_data": MESSAGE},
        cryptographic_length=128, cryptographic_algorithm=AES)
    equal(client.get(short).value, cases[1][3][:16], "the first half")
    refused((Reason.CRYPTOGRAPHIC_FAILURE, Reason.INVALID_FIELD), client.derive_key,
            enums.ObjectType.SECRET_DATA, [key], method.HASH,
            {"cryptographic_parameters": sha256}, cryptographic_length=1024)
    refused(not_found(version), client.derive_key, enums.ObjectType.SECRET_DATA, ["no-such-object"],
            method.HASH, {"cryptographic_parameters": sha256}, cryptographic_length=256)
    put_away(client, *made, short, key, password)


def play_ciphers(client, version):
    """Encrypt and Decrypt in the modes that PyKMIP can name, against `cryptography`."""
    value = bytes(range(32))
    uid = named_key(client, "ciphers", value)
    mode = enums.BlockCipherMode
    padder = padding.PKCS7(128).padder()
    padded = padder.update(MESSAGE) + padder.finalize()
    cases = [(mode.CBC, enums.PaddingMethod.PKCS5, IV, modes.CBC(IV), padded),
             (mode.CBC, None, IV, modes.CBC(IV), MESSAGE[:32]),
             (mode.ECB, None, None, modes.ECB(), MESSAGE[:32]),
             (mode.ECB, enums.PaddingMethod.PKCS5, None, modes.ECB(), padded),
             (mode.CTR, None, IV, modes.CTR(IV), MESSAGE)]
    for named, pads, iv, outside, plain in cases:
        parameters = {"cryptographic_algorithm": AES, "block_cipher_mode": named}
        if pads:
            parameters["padding_method"] = pads
        given = MESSAGE if pads else plain
        answer = since(version, (1, 2), client.encrypt, given, uid, parameters, iv)
        if answer is None:
            continue
        encryptor = Cipher(algorithms.AES(value), outside).encryptor()
        equal(answer[0], encryptor.update(plain) + encryptor.finalize(), f"Encrypt {named} {pads}")
        equal(client.decrypt(answer[0], uid, parameters, iv), given, f"Decrypt {named} {pads}")
        low = succeeded(client.proxy.encrypt(
            given, uid, client._build_cryptographic_parameters(parameters), iv), "the lower client")
        equal((low["unique_identifier"], low["data"]), (uid, answer[0]), "the lower client")
    since(version, (1, 2), client.decrypt, bytes(16), uid, {
        "cryptographic_algorithm": AES, "block_cipher_mode": mode.ECB})
    put_away(client, uid)


def play_signatures(client, version):
    """Sign and Signature Verify with RSA (PKCS#1 v1.5 and PSS) and ECDSA."""
    pair = driver.rsa.generate_private_key(65537, 2048)
    der = pair.private_bytes(
        driver.serialization.Encoding.DER, driver.serialization.PrivateFormat.PKCS8,
        driver.serialization.NoEncryption())
    private = client.register(objects.PrivateKey(
        enums.CryptographicAlgorithm.RSA, 2048, der, enums.KeyFormatType.PKCS_8, [Mask.SIGN],
        "signatures"))
    client.activate(private)
    public = client.register(objects.PublicKey(
        enums.CryptographicAlgorithm.RSA, 2048, pair.public_key().public_bytes(
            driver.serialization.Encoding.DER,
            driver.serialization.PublicFormat.SubjectPublicKeyInfo),
        enums.KeyFormatType.X_509, [Mask.VERIFY], "signatures public"))
    client.activate(public)
    pss = {"cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
           "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
           "padding_method": enums.PaddingMethod.PSS}
    outside = pair.public_key()
    for parameters, scheme in ((RSA_SHA256, rsa_padding.PKCS1v15()),
                               (pss, rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()),
                                                     rsa_padding.PSS.AUTO))):
        signature = since(version, (1, 2), client.sign, MESSAGE, private, parameters)
        if signature is None:
            since(version, (1, 2), client.signature_verify, MESSAGE, b"x" * 256, public, parameters)
            continue
        outside.verify(signature, MESSAGE, scheme, hashes.SHA256())
        for message, wanted in ((MESSAGE, "VALID"), (MESSAGE + b"!", "INVALID")):
            equal(client.signature_verify(message, signature, public, parameters),
                  enums.ValidityIndicator[wanted], "Signature Verify")
        ours = pair.sign(MESSAGE, rsa_padding.PKCS1v15() if scheme.name != "EMSA-PSS" else
                         rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()),
                                         rsa_padding.PSS.MAX_LENGTH), hashes.SHA256())
        equal(client.signature_verify(MESSAGE, ours, public, parameters),
              enums.ValidityIndicator.VALID, "a signature made elsewhere")
    put_away(client, private, public)


def play_mac(client, version):
    """MAC with every hash that PyKMIP names for HMAC."""
    value = bytes(range(64))
    algorithm = enums.CryptographicAlgorithm
    for named, outside in ((algorithm.HMAC_SHA1, hashes.SHA1()), (algorithm.HMAC_SHA224, hashes.SHA224()),
                           (algorithm.HMAC_SHA256, hashes.SHA256()),
                           (algorithm.HMAC_SHA384, hashes.SHA384()),
                           (algorithm.HMAC_SHA512, hashes.SHA512())):
        uid = named_key(client, f"mac {named}", value, [Mask.MAC_GENERATE], named)
        answer = since(version, (1, 2), client.mac, MESSAGE, uid, named)
        if answer is not None:
            reference = hmac.HMAC(value, outside)
            reference.update(MESSAGE)
            equal(answer, (uid, reference.finalize()), f"MAC {named}")
        put_away(client, uid)


def play_get(client, version):
    """Get in the formats that a key has, and not in those it has not."""
    pair = driver.rsa.generate_private_key(65537, 2048)
    forms = {}
    for kind, private_format in ((enums.KeyFormatType.PKCS_8, driver.serialization.PrivateFormat.PKCS8),
                                 (enums.KeyFormatType.PKCS_1, 
                                  driver.serialization.PrivateFormat.TraditionalOpenSSL)):
        forms[kind] = pair.private_bytes(
            driver.serialization.Encoding.DER,
            private_format,
            driver.serialization.NoEncryption())
    uid = client.register(objects.PrivateKey(
        enums.CryptographicAlgorithm.RSA, 2048, forms[enums.KeyFormatType.PKCS_8],
        enums.KeyFormatType.PKCS_8, [Mask.SIGN], "get"))
    for kind, wanted in forms.items():
        result = succeeded(client.proxy.get(uid, key_format_type=KeyFormatType(kind)), f"Get {kind}")
        equal((result.uuid, result.object_type), (uid, enums.ObjectType.PRIVATE_KEY), "the answer")
        block = result.secret.key_block
        equal((block.key_format_type.value, block.key_value.key_material.value), (kind, wanted),
              f"Get as {kind}")
    failed(client.proxy.get(uid, key_format_type=KeyFormatType(enums.KeyFormatType.X_509)),
           (Reason.KEY_FORMAT_TYPE_NOT_SUPPORTED,), "Get as X.509")
    failed(client.proxy.get("no-such-object"), (not_found(version),), "Get of nothing")
    put_away(client, uid)


def play_split_key(client, version):
    """A part of a key goes in and comes out as it was."""
    del version
    part = objects.SplitKey(
        cryptographic_algorithm=AES, cryptographic_length=128, key_value=bytes(range(16)),
        name="part", cryptographic_usage_masks=[Mask.EXPORT],
        key_format_type=enums.KeyFormatType.RAW, split_key_parts=3, key_part_identifier=1,
        split_key_threshold=3, split_key_method=enums.SplitKeyMethod.XOR)
    uid = client.register(part)
    back = client.get(uid)
    for field in ("value", "split_key_parts", "key_part_identifier", "split_key_threshold",
                  "split_key_method", "cryptographic_length"):
        equal(getattr(back, field), getattr(part, field), field)
    client.destroy(uid)


def play_states(client, version):
    """Activate, Revoke with its reasons and dates, Destroy, and what each refuses."""
    uid = make_aes(client, "states")
    client.activate(uid)
    wrong = Reason.WRONG_KEY_LIFECYCLE_STATE if version >= (2, 0) else Reason.PERMISSION_DENIED
    refused(wrong, client.activate, uid)
    client.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, uid, "left in a train", 1_600_000_000)
    equal(state_of(client, uid), enums.State.COMPROMISED, "after a compromise")
    check("Revocation Reason" in client.get_attribute_list(uid), "a Revocation Reason is kept")
    # PyKMIP cannot read that one.
    found = attributes_of(client, uid, ["Compromise Occurrence Date"])
    equal(found["Compromise Occurrence Date"], [1_600_000_000], "Compromise Occurrence Date")
    client.destroy(uid)
    refused((not_found(version), Reason.PERMISSION_DENIED, Reason.OBJECT_DESTROYED,
             Reason.WRONG_KEY_LIFECYCLE_STATE), client.destroy, uid)
    refused(not_found(version), client.revoke, enums.RevocationReasonCode.SUPERSEDED, "nothing")
    refused(not_found(version), client.destroy, "nothing")


def play_modify(client, version):
    """Modify and Delete Attribute, each version's way; Set Attribute is 2.0's."""
    uid = make_aes(client, "modify")
    if version < (2, 0):
        changed = attribute(Kind.NAME, "modified")
        changed.attribute_index = core_objects.Attribute.AttributeIndex(0)
        back, said = client.modify_attribute(uid, attribute=changed)
        equal((back, said.attribute_value.name_value.value), (uid, "modified"), "Modify Attribute")
        back, said = client.delete_attribute(uid, attribute_name="Name", attribute_index=0)
        equal((back, said.attribute_value.name_value.value), (uid, "modified"), "Delete Attribute")
        refused((not_found(version), Reason.ITEM_NOT_FOUND, Reason.INVALID_FIELD),
                client.delete_attribute, uid, attribute_name="Name", attribute_index=0)
        try:
            client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True)
        except VersionNotSupported:  # PyKMIP itself refuses
            pass
    else:
        back, _ = client.modify_attribute(
            uid, current_attribute=core_objects.CurrentAttribute(attribute=boxed_name("modify")),
            new_attribute=core_objects.NewAttribute(attribute=boxed_name("modified")))
        equal(back, uid, "Modify Attribute")
        equal(client.locate(attributes=[name_attribute("modified")]), [uid], "after Modify")
        back, _ = client.delete_attribute(
            uid, current_attribute=core_objects.CurrentAttribute(attribute=boxed_name("modified")))
        equal(back, uid, "Delete Attribute")
        equal(client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True), uid, "Set")
    equal(attributes_of(client, uid, ["Name"]).get("Name", []), [], "no name is left")
    put_away(client, uid)


def boxed_name(text):
    return driver.attributes.Name.create(text, enums.NameType.UNINTERPRETED_TEXT_STRING)


def play_query(client, version):
    """Every function that Query has in the version, alone and together."""
    first = {"QUERY_EXTENSION": (1, 1), "QUERY_ATTESTATION": (1, 2), "QUERY_RNGS": (1, 3),
             "QUERY_VALIDATIONS": (1, 3), "QUERY_PROFILES": (1, 3), "QUERY_CAPABILITIES": (1, 3),
             "QUERY_CLIENT": (1, 3), "QUERY_DEFAULTS": (2, 0), "QUERY_STORAGE": (2, 0)}
    functions = [function for function in enums.QueryFunction if version >= max(
        [since for prefix, since in first.items() if function.name.startswith(prefix)] or [(1, 0)])]
    if version >= (2, 0):
        # The standard's structures of these have fields that PyKMIP does not expect.
        functions.remove(enums.QueryFunction.QUERY_CAPABILITIES)
        functions.remove(enums.QueryFunction.QUERY_STORAGE_PROTECTION_MASKS)
    if version < (1, 1):
        try:
            client.proxy.discover_versions()
        except AttributeError as error:  # PyKMIP expects a payload in every failure.
            check("protocol_versions" in str(error), error)
        else:
            raise AssertionError("Discover Versions is newer than the request")
    for function in functions:
        succeeded(client.proxy.query(query_functions=[function]), function.name)
    result = succeeded(client.proxy.query(query_functions=functions), "all together")
    check(result.vendor_identification, "Vendor Identification")
    kinds = set(result.object_types)
    for wanted in ("SYMMETRIC_KEY", "PUBLIC_KEY", "PRIVATE_KEY", "SECRET_DATA", "OPAQUE_DATA",
                   "CERTIFICATE", "SPLIT_KEY"):
        check(enums.ObjectType[wanted] in kinds, f"{wanted} among the object types")
    equal(enums.ObjectType.TEMPLATE in kinds, version < (2, 0), "templates until 1.4")


def play_profiles(client, version):
    """What the lower client says of itself; nothing is sent."""
    del version
    proxy = client.proxy
    for clause in proxy.get_supported_conformance_clauses():
        check(proxy.is_conformance_clause_supported(clause), clause)
        for suite in proxy.get_supported_authentication_suites():
            check(proxy.is_authentication_suite_supported(suite), suite)
            check(proxy.is_profile_supported(clause, suite), suite)


PLAYS = {name[len("play_"):]: function for name, function in list(globals().items())
         if name.startswith("play_")}


def public_methods(kind):
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")}


def watched(target, seen):
    """Notes which methods of `target` are called."""
    def watch(name, method):
        def call(*args, **kwargs):
            seen.add(name)
            return method(*args, **kwargs)
        setattr(target, name, call)
    for name in public_methods(type(target)):
        watch(name, getattr(target, name))


# The scenarios of the other driver that need operations of 1.2.
NEED_1_2 = {"oaep", "mac", "wrap"}


def main():
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    for option in ["cert", "key", "ca"]:
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--only", help="one of the scenarios")
    args = parser.parse_args()

    version = tuple(int(part) for part in args.version.split("."))
    client = ProxyKmipClient(
        hostname=args.host, port=args.port, cert=args.cert, key=args.key, ca=args.ca,
        ssl_version="PROTOCOL_TLS", config_file=None,
        kmip_version=enums.KMIPVersion[f"KMIP_{version[0]}_{version[1]}"])
    upper, lower = set(), set()
    watched(client, upper)
    watched(client.proxy, lower)
    plays = {name: play for name, play in driver.named("scenario_").items()
             if version >= (1, 2) or name not in NEED_1_2}
    plays.update((f"every {name}", play) for name, play in PLAYS.items())
    with client:
        for name, play in plays.items():
            if args.only in (None, name):
                try:
                    play(client, version)
                except Exception as error:
                    raise AssertionError(f"{name} at KMIP {args.version}: {error}") from error
    if args.only is None:
        equal(public_methods(ProxyKmipClient) - upper, set(), "methods that were not called")
        equal(public_methods(type(client.proxy)) - lower, set(), "methods that were not called")
    print(json.dumps({"passed": sorted(plays)}))


if __name__ == "__main__":
    main()
