"""Calls PKCS#11 through KMIP and the PKCS#11 module itself, with the same arguments, and compares."""

import argparse
import struct
import sys

from pkcs11_both import DATA, ELSEWHERE, RESERVED, RESULT, Both, S
from pkcs11_keys import derivations, encapsulation, keys, wrapping
from pkcs11_over_kmip import Library, Wire
from pkcs11_parameters import LAYOUTS, A, Argument, C, Given, Key, Made, Mechanism, Optional
from pkcs11_parameters import Parameter, Room, Template, U, ulong


def sessions(both, pin):
    both.refused("SLOT_ID_INVALID", "C_OpenSession", U(77), U(6), *RESERVED, Made("none"))
    for side in both.sides:
        code, _ = side.call("C_OpenSession", U(side.slot), U(6), *RESERVED, Made("session"))
        assert code == 0, code
    both.same("C_Login", S, U(1), A(pin))
    both.refused("USER_ALREADY_LOGGED_IN", "C_Login", S, U(1), A(pin))
    both.refused("USER_ALREADY_LOGGED_IN", "C_LoginUser", S, U(1), A(pin), A(b""))
    both.refused("FUNCTION_NOT_PARALLEL", "C_GetFunctionStatus", S)
    both.refused("FUNCTION_NOT_PARALLEL", "C_CancelFunction", S)
    wire, library = (set(side.mechanisms()) for side in both.sides)
    assert wire == library and len(wire) > 150, wire ^ library


def through(both, verb, mechanism, key, data, room=4096, function=None):
    """A one-part operation that gives the same at both."""
    both.same(f"C_{verb}Init", S, mechanism, *([Key(key)] if key else []))
    return both.same(function or f"C_{verb}", S, A(data), Room(room))[0][1]


def ciphers(both):
    iv, half = bytes(range(16)), bytes(range(8))
    cases = [
        ("CKM_AES_ECB", None, "aes"),
        ("CKM_AES_CBC", iv, "aes"),
        ("CKM_AES_CBC_PAD", iv, "aes"),
        ("CKM_AES_CTS", iv, "aes"),
        ("CKM_AES_OFB", iv, "aes"),
        ("CKM_AES_CFB8", iv, "aes"),
        ("CKM_AES_CFB128", iv, "aes"),
        ("CKM_AES_XTS", iv, "xts"),
        ("CKM_AES_CTR", Given("CTR", bits=32, block=iv), "aes"),
        ("CKM_AES_GCM", Given("GCM", iv=iv[:12], iv_bits=96, aad=b"header", tag_bits=96), "aes"),
        ("CKM_AES_CCM", Given("CCM", data=48, nonce=iv[:13], aad=b"header", mac=8), "aes"),
        ("CKM_CHACHA20", Given("CHACHA20", counter=bytes(4), nonce=iv[:12]), "chacha"),
        ("CKM_CHACHA20_POLY1305", Given("CHACHA_POLY", nonce=iv[:12], aad=b"header"), "chacha"),
    ]
    for name, parameter, key in cases:
        sealed = through(both, "Encrypt", Mechanism(name, parameter), key, DATA)
        opened = through(both, "Decrypt", Mechanism(name, parameter), key, sealed)
        assert opened == DATA, name
        # Lengths, and a buffer too small: then it goes on.
        both.same("C_EncryptInit", S, Mechanism(name, parameter), Key(key))
        both.same("C_Encrypt", S, A(DATA), Room(None))
        both.refused("BUFFER_TOO_SMALL", "C_Encrypt", S, A(DATA), Room(3))
        both.same("C_Encrypt", S, A(DATA), Room(4096))
    both.same("C_EncryptInit", S, Mechanism("CKM_AES_CBC_PAD", iv), Key("aes"))
    for part in (DATA[:5], DATA[5:40], b""):
        both.same("C_EncryptUpdate", S, A(part), Room(4096))
    both.same("C_EncryptFinal", S, Room(4096))
    both.same("C_DecryptInit", S, Mechanism("CKM_AES_CBC", iv), Key("aes"))
    both.same("C_DecryptUpdate", S, A(DATA), Room(4096))
    both.same("C_DecryptFinal", S, Room(4096))
    both.refused("OPERATION_NOT_INITIALIZED", "C_EncryptFinal", S, Room(4096))
    for wrong in (None, half, Given("CTR", bits=32, block=iv)):
        both.refused(
            "MECHANISM_PARAM_INVALID",
            "C_EncryptInit",
            S,
            Mechanism("CKM_AES_CBC", wrong),
            Key("aes"),
        )
    both.refused("MECHANISM_INVALID", "C_EncryptInit", S, Mechanism(0x7FFFFFFF, iv), Key("aes"))
    # A vector that the token makes.
    wanting = Given("GCM", True, iv=b"", iv_bits=96, aad=b"", tag_bits=128)
    for ((length, vector),) in both.shaped(
        "C_EncryptInit", S, Mechanism("CKM_AES_GCM", wanting), Key("aes")
    ):
        assert length == 12 and len(vector) == 12
    both.shaped("C_Encrypt", S, A(DATA), Room(4096))


def digests_and_macs(both):
    through(both, "Digest", Mechanism("CKM_SHA256"), None, DATA)
    both.same("C_DigestInit", S, Mechanism("CKM_SHA3_384"))
    both.same("C_DigestUpdate", S, A(DATA))
    both.same("C_DigestKey", S, Key("generic"))
    both.same("C_DigestFinal", S, Room(100))
    iv, number = bytes(16), Given("ULONG", number=8)
    for name, parameter, key in [
        ("CKM_SHA256_HMAC", None, "generic"),
        ("CKM_SHA512_HMAC_GENERAL", number, "generic"),
        ("CKM_AES_CMAC", None, "aes"),
        ("CKM_AES_CMAC_GENERAL", number, "aes"),
        ("CKM_AES_GMAC", Given("GCM", iv=iv[:12], iv_bits=96, aad=b"", tag_bits=128), "aes"),
        ("CKM_TLS_MAC", tls_mac(), "master"),
    ]:
        mac = through(both, "Sign", Mechanism(name, parameter), key, DATA)
        verify(both, name, parameter, key, mac)
    both.same("C_SignInit", S, Mechanism("CKM_SHA256_HMAC"), Key("generic"))
    both.same("C_SignUpdate", S, A(DATA))
    [(_, mac)] = both.same("C_SignFinal", S, Room(100))
    both.same("C_VerifyInit", S, Mechanism("CKM_SHA256_HMAC"), Key("generic"))
    both.same("C_VerifyUpdate", S, A(DATA))
    both.same("C_VerifyFinal", S, A(mac))


def tls_mac():
    return Given("TLS_MAC", hash=C["CKM_SHA256"], length=12, side=1)


def verify(both, name, parameter, key, signature):
    both.same("C_VerifyInit", S, Mechanism(name, parameter), Key(key))
    both.same("C_Verify", S, A(DATA), A(signature))
    both.same("C_VerifyInit", S, Mechanism(name, parameter), Key(key))
    wrong = bytes([signature[0] ^ 1]) + signature[1:]
    both.refused("SIGNATURE_INVALID", "C_Verify", S, A(DATA), A(wrong))


def signatures(both):
    pss = Given("PSS", hash=C["CKM_SHA256"], mgf=C["CKG_MGF1_SHA256"], salt=32)
    signing = Given("SIGN", hedge=C["CKH_DETERMINISTIC_REQUIRED"], context=b"context")
    pre = Given("HASH_SIGN", hedge=0, context=b"context", hash=C["CKM_SHA256"])
    for name, parameter, key, data, fixed in [
        ("CKM_SHA256_RSA_PKCS", None, "rsa", DATA, True),
        ("CKM_SHA256_RSA_PKCS_PSS", pss, "rsa", DATA, False),
        ("CKM_ECDSA_SHA256", None, "ec", DATA, False),
        ("CKM_EDDSA", None, "ed", DATA, True),
        ("CKM_ML_DSA", signing, "mldsa", DATA, True),
        ("CKM_ML_DSA", None, "mldsa", DATA, False),
        ("CKM_HASH_ML_DSA", pre, "mldsa", DATA[:32], False),
    ]:
        both.same("C_SignInit", S, Mechanism(name, parameter), Key(key + " private"))
        made = both.shaped("C_Sign", S, A(data), Room(5000))
        if fixed:
            assert made[0] == made[1], name
        # Each side takes what either has made.
        for ((_, signature),) in made:
            both.same("C_VerifyInit", S, Mechanism(name, parameter), Key(key + " public"))
            both.same("C_Verify", S, A(data), A(signature))
            both.same(
                "C_VerifySignatureInit",
                S,
                Mechanism(name, parameter),
                Key(key + " public"),
                A(signature),
            )
            both.same("C_VerifySignature", S, A(data))
    both.same(
        "C_VerifySignatureInit", S, Mechanism("CKM_ML_DSA"), Key("mldsa public"), A(bytes(3309))
    )
    both.same("C_VerifySignatureUpdate", S, A(DATA))
    both.refused("SIGNATURE_INVALID", "C_VerifySignatureFinal", S)
    both.each(
        "C_SignInit",
        S,
        Mechanism("CKM_EDDSA", Given("EDDSA", prehash=0, context=b"context")),
        Key("ed private"),
    )
    both.each("C_Sign", S, A(DATA), Room(100))
    both.layouts.add("EDDSA")
    signature = through(both, "SignRecover", Mechanism("CKM_RSA_PKCS"), "rsa private", b"short")
    assert (
        through(both, "VerifyRecover", Mechanism("CKM_RSA_PKCS"), "rsa public", signature)
        == b"short"
    )
    oaep = Given("OAEP", hash=C["CKM_SHA256"], mgf=C["CKG_MGF1_SHA256"], source=1, label=b"label")
    both.same("C_EncryptInit", S, Mechanism("CKM_RSA_PKCS_OAEP", oaep), Key("rsa public"))
    for ((_, sealed),) in both.shaped("C_Encrypt", S, A(b"short"), Room(256)):
        assert (
            through(both, "Decrypt", Mechanism("CKM_RSA_PKCS_OAEP", oaep), "rsa private", sealed)
            == b"short"
        )


def messages(both):
    iv, names = bytes(range(12)), {
        "GCM": "CKM_AES_GCM",
        "CCM": "CKM_AES_CCM",
        "CHACHA": "CKM_CHACHA20_POLY1305",
    }
    for family, name in names.items():
        key = "chacha" if family == "CHACHA" else "aes"
        made = dict(fixed=32, generator=0, data=48)
        sealing = lambda **other: Given(
            family + "_MESSAGE", True, **(dict(made, iv=iv, tag=bytes(16)) | other)
        )
        opening = lambda vector, tag, **other: Given(
            family + "_OPENED", **(dict(made, iv=vector, tag=tag) | other)
        )
        both.same("C_MessageEncryptInit", S, Mechanism(name), Key(key))
        both.same("C_EncryptMessage", S, Parameter(sealing()), A(b"header"), A(DATA), Room(None))
        both.refused(
            "BUFFER_TOO_SMALL",
            "C_EncryptMessage",
            S,
            Parameter(sealing()),
            A(b"header"),
            A(DATA),
            Room(3),
        )
        answer = both.same(
            "C_EncryptMessage", S, Parameter(sealing()), A(b"header"), A(DATA), Room(100)
        )
        (_, vector), (_, tag), (_, sealed) = answer
        assert vector == iv and len(tag) == 16 and len(sealed) == 48
        both.refused(
            "MECHANISM_PARAM_INVALID",
            "C_EncryptMessage",
            S,
            Parameter(),
            A(b""),
            A(DATA),
            Room(100),
        )
        # In parts, and the same comes of it.
        parts = b""
        code, found = both.each("C_EncryptMessageBegin", S, Parameter(sealing()), A(b"header"))
        assert code == 0 and found[0] == [(12, iv), (16, None)] and found[1][0] == (12, iv), found
        for part, end in ((DATA[:20], 0), (DATA[20:], 1)):
            given = Parameter(sealing())
            found = both.each("C_EncryptMessageNext", S, given, A(part), Room(100), U(end))
            assert found[0] == 0, found
            wire, library = found[1]
            assert wire[-1] == library[-1]
            parts += wire[-1][1]
        assert (parts, wire[1][1]) == (sealed, tag) and library[1][1] == tag, name
        if family != "CHACHA":
            # Vectors that the token makes: counted, they are the same; by chance, the other side takes them.
            for number in range(3):
                answer = both.same(
                    "C_EncryptMessage",
                    S,
                    Parameter(sealing(generator=2)),
                    A(b""),
                    A(DATA),
                    Room(100),
                )
                assert answer[0][1] == iv[:4] + struct.pack(">Q", number)
            both.same("C_MessageEncryptFinal", S)
            both.same("C_MessageEncryptInit", S, Mechanism(name), Key(key))
            found = both.shaped(
                "C_EncryptMessage", S, Parameter(sealing(generator=3)), A(b""), A(DATA), Room(100)
            )
            both.same("C_MessageDecryptInit", S, Mechanism(name), Key(key))
            for (_, own), (_, its), (_, other) in found:
                assert own[:4] == iv[:4]
                both.same(
                    "C_DecryptMessage", S, Parameter(opening(own, its)), A(b""), A(other), Room(100)
                )
            both.same("C_MessageDecryptFinal", S)
        both.same("C_MessageEncryptFinal", S)
        both.same("C_MessageDecryptInit", S, Mechanism(name), Key(key))
        opened = both.same(
            "C_DecryptMessage", S, Parameter(opening(iv, tag)), A(b"header"), A(sealed), Room(100)
        )
        assert opened[0][1] == DATA
        both.refused(
            "AEAD_DECRYPT_FAILED",
            "C_DecryptMessage",
            S,
            Parameter(opening(iv, bytes(16))),
            A(b"header"),
            A(sealed),
            Room(100),
        )
        both.same("C_DecryptMessageBegin", S, Parameter(opening(iv, tag)), A(b"header"))
        both.same(
            "C_DecryptMessageNext", S, Parameter(opening(iv, tag)), A(sealed[:7]), Room(100), U(0)
        )
        both.same(
            "C_DecryptMessageNext", S, Parameter(opening(iv, tag)), A(sealed[7:]), Room(100), U(1)
        )
        both.same("C_DecryptMessageBegin", S, Parameter(opening(iv, tag)), A(b"header"))
        both.refused(
            "ARGUMENTS_BAD",
            "C_DecryptMessageNext",
            S,
            Parameter(opening(iv, tag)),
            A(sealed),
            Room(100),
            U(4),
        )
        both.same("C_MessageDecryptFinal", S)


def message_signatures(both):
    both.same("C_MessageSignInit", S, Mechanism("CKM_SHA256_HMAC"), Key("generic"))
    mac = both.same("C_SignMessage", S, Parameter(), A(DATA), Room(100))[0][1]
    both.same("C_SignMessageBegin", S, Parameter())
    both.same("C_SignMessageNext", S, Parameter(), A(DATA[:9]), Optional())
    both.same("C_SignMessageNext", S, Parameter(), A(DATA[9:]), Optional(Room(None)))
    again = both.same("C_SignMessageNext", S, Parameter(), A(DATA[9:]), Optional(Room(100)))
    assert again[0][1] == mac
    both.same("C_MessageSignFinal", S)
    both.same("C_MessageVerifyInit", S, Mechanism("CKM_SHA256_HMAC"), Key("generic"))
    both.same("C_VerifyMessage", S, Parameter(), A(DATA), A(mac))
    both.refused("SIGNATURE_INVALID", "C_VerifyMessage", S, Parameter(), A(DATA), A(bytes(32)))
    both.same("C_VerifyMessageBegin", S, Parameter())
    both.same("C_VerifyMessageNext", S, Parameter(), A(DATA[:9]), Optional())
    both.same("C_VerifyMessageNext", S, Parameter(), A(DATA[9:]), Optional(A(mac)))
    both.same("C_MessageVerifyFinal", S)


def duals_and_states(both):
    iv = bytes(range(16))
    for verb, second in (
        ("Digest", ["C_DigestInit", Mechanism("CKM_SHA256")]),
        ("Sign", ["C_SignInit", Mechanism("CKM_SHA256_HMAC"), Key("generic")]),
    ):
        both.same("C_EncryptInit", S, Mechanism("CKM_AES_CBC", iv), Key("aes"))
        both.same(second[0], S, *second[1:])
        both.same(f"C_{verb}EncryptUpdate", S, A(DATA), Room(100))
        both.same("C_EncryptFinal", S, Room(100))
        both.same(f"C_{verb}Final", S, Room(100))
    for verb, second in (
        ("Digest", ["C_DigestInit", Mechanism("CKM_SHA256")]),
        ("Verify", ["C_VerifyInit", Mechanism("CKM_SHA256_HMAC"), Key("generic")]),
    ):
        both.same("C_DecryptInit", S, Mechanism("CKM_AES_CBC", iv), Key("aes"))
        both.same(second[0], S, *second[1:])
        both.same(f"C_Decrypt{verb}Update", S, A(DATA), Room(100))
        both.same("C_DecryptFinal", S, Room(100))
        both.same("C_SessionCancel", S, U(C["CKF_DIGEST"] | C["CKF_VERIFY"]))
    both.same("C_DigestInit", S, Mechanism("CKM_SHA256"))
    both.same("C_DigestUpdate", S, A(DATA))
    found = both.shaped("C_GetOperationState", S, Room(1000))
    for side, ((_, state),) in zip(both.sides, found):
        assert side.call("C_SetOperationState", S, A(state), U(0), U(0)) == (0, [])
    both.same("C_DigestFinal", S, Room(100))
    both.same("C_GetSessionValidationFlags", S, U(1), Argument("number"))
    both.same("C_SeedRandom", S, A(b"seed"))
    both.refused("NO_EVENT", "C_WaitForSlotEvent", U(1), Argument("place"), RESERVED[0])


def objects(both):
    template = Template(("CLASS", 0), ("TOKEN", 0), ("LABEL", b"data"), ("VALUE", b"value"))
    both.same("C_CreateObject", S, template, Made("data"))
    both.same("C_CopyObject", S, Key("data"), Template(("LABEL", b"copy")), Made("copy"))
    both.same("C_SetAttributeValue", S, Key("copy"), Template(("LABEL", b"changed")))
    assert [side.attribute("copy", "LABEL") for side in both.sides] == [b"changed"] * 2
    # What lives in a session of one is not seen by the other, nor are there more than its own.
    assert [len(side.find(("CLASS", 0))) for side in both.sides] == [2, 2]
    both.same("C_GetObjectSize", S, Key("copy"), Argument("number"))
    both.same("C_DestroyObject", S, Key("copy"))
    both.refused("OBJECT_HANDLE_INVALID", "C_DestroyObject", S, Key("copy"))
    assert [len(side.find(("CLASS", 0))) for side in both.sides] == [1, 1]


def hostile(wire):
    """Every call that is cut or has a wild length is refused, and the server goes on."""
    session, sane = ulong(wire.keys["session"]), []
    iv = Given("GCM_MESSAGE", True, iv=bytes(12), fixed=0, generator=0, tag=bytes(16))
    kdf = Given(
        "KDF",
        prf=C["CKM_SHA256_HMAC"],
        fields=[(1, Given("FORM", little=0, bits=32)), (4, b"label")],
    )
    sane.append(("C_EncryptMessage", [Parameter(iv), A(b"header"), A(DATA), Room(100)]))
    sane.append(
        (
            "C_DeriveKey",
            [Mechanism("CKM_SP800_108_COUNTER_KDF", kdf), Key("generic"), Template(*RESULT)],
        )
    )
    sane.append(("C_SignMessageNext", [Parameter(), A(DATA), Optional(Room(100))]))
    sane.append(("C_VerifyMessageNext", [Parameter(), A(DATA), Optional(A(bytes(32)))]))
    sane.append(
        (
            "C_EncapsulateKey",
            [Mechanism("CKM_ML_KEM"), Key("mlkem public"), Template(*RESULT), Room(2000)],
        )
    )
    assert wire.call("C_MessageEncryptInit", S, Mechanism("CKM_AES_GCM"), Key("aes"))[0] == 0
    refusals = 0
    for function, arguments in sane:
        whole = session + b"".join(wire.encode(one) for one in arguments)
        for length in range(len(whole)):
            code, _ = wire.exchange(function, whole[:length])
            assert code == ("refused", 0x45), (function, length, code)
            refusals += 1
        assert wire.exchange(function, whole + b"\0")[0] == ("refused", 0x45), function
        for place in range(8, len(whole) - 3):
            wire.exchange(function, whole[:place] + b"\xff" * 4 + whole[place + 4 :])
            refusals += 1
    for number in range(3, 105):
        name = [name for name, other in wire.numbers.items() if other == number][0]
        if name in (
            "C_Initialize",
            "C_Finalize",
            "C_InitToken",
            "C_CloseAllSessions",
            "C_CloseSession",
            "C_Logout",
        ):
            continue
        for byte in (b"\0", b"\1", b"\xff"):
            wire.exchange(name, session + byte * 60)
            refusals += 1
    return refusals


def main():
    parser = argparse.ArgumentParser()
    for name in ("cert", "key", "ca", "module", "pin"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    wire = Wire(options)
    both = Both(wire, Library(options))
    pin = options.pin.encode()
    sessions(both, pin)
    keys(both)
    for step in (
        ciphers,
        digests_and_macs,
        signatures,
        messages,
        message_signatures,
        derivations,
        wrapping,
        encapsulation,
        duals_and_states,
        objects,
    ):
        step(both)
    refusals = hostile(wire)
    both.same("C_Logout", S)
    both.same("C_CloseSession", S)
    both.refused("SESSION_HANDLE_INVALID", "C_CloseSession", S)
    both.refused("SLOT_ID_INVALID", "C_CloseAllSessions", U(77))
    missing = set(LAYOUTS) - both.layouts - {"FORM", "LENGTH"}
    missing |= set(wire.numbers) - both.functions - set(ELSEWHERE.split())
    assert not missing, f"never used: {sorted(missing)}"
    assert wire.exchange("C_Finalize", b"")[0] == 0
    assert wire.exchange("C_GetInfo", b"")[0] == C["CKR_CRYPTOKI_NOT_INITIALIZED"]
    print(
        f"passed: {both.calls} calls alike, {len(both.mechanisms)} mechanisms, {both.refusals} refusals, {refusals} spoiled"
    )


if __name__ == "__main__":
    sys.exit(main())
