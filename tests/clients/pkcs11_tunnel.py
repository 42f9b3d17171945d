"""Calls PKCS#11 through KMIP and the PKCS#11 module itself, with the same arguments, and compares."""

import argparse
import struct
import sys

from pkcs11_over_kmip import LAYOUTS, A, Argument, C, Given, Key, Library, Made, Mechanism, Optional
from pkcs11_over_kmip import Parameter, Room, Template, U, Wire, ulong

# Functions that are called by the clients themselves, that change the token's PINs, tell by structures
# what the server's own tests look at, or are not carried.
ELSEWHERE = """C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetInterface C_GetInterfaceList
C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo C_GetSessionInfo
C_InitToken C_InitPIN C_SetPIN C_GetAttributeValue C_FindObjectsInit C_FindObjects C_FindObjectsFinal
C_SetOperationState C_GenerateKeyPair C_GenerateRandom C_AsyncComplete C_AsyncGetID C_AsyncJoin
"""


class Both:
    """The two, and the calls that both must answer alike."""

    def __init__(self, wire, library):
        self.sides = (wire, library)
        self.calls = self.refusals = 0
        self.mechanisms, self.layouts, self.functions = set(), set(), set()

    def each(self, function, *arguments):
        """One call at both, each in its session; the codes must be the same."""
        self.calls += 1
        self.functions.add(function)
        answers = [side.call(function, *arguments) for side in self.sides]
        codes = [code for code, _ in answers]
        assert (
            codes[0] == codes[1]
        ), f"{function}: {codes[0]} through KMIP, {codes[1]} in the library"
        for one in arguments:
            if one.kind in ("mechanism", "parameter"):
                name, given = one.value if one.kind == "mechanism" else ("", one.value)
                if codes[0] == 0:
                    self.layouts.add(given.name if isinstance(given, Given) else None)
                    self.mechanisms.add(name)
        return codes[0], [found for _, found in answers]

    def same(self, function, *arguments):
        """One call that succeeds and gives the same at both."""
        code, (wire, library) = self.each(function, *arguments)
        assert code == 0, f"{function} {arguments}: {code:#x}"
        assert wire == library, f"{function}: {wire} through KMIP, {library} in the library"
        return wire

    def shaped(self, function, *arguments):
        """One call that succeeds, and gives by chance what it gives."""
        code, found = self.each(function, *arguments)
        assert code == 0, f"{function} {arguments}: {code:#x}"
        return found

    def refused(self, wanted, function, *arguments):
        code, _ = self.each(function, *arguments)
        assert code == C["CKR_" + wanted], f"{function}: {code:#x}, not {wanted}"
        self.refusals += 1

    def value(self, key):
        wire, library = (side.attribute(key, "VALUE") for side in self.sides)
        assert wire == library and isinstance(wire, bytes), f"{key}: {wire} and {library}"
        return wire


S = Key("session")
DATA = bytes(range(48))
RESULT = [
    ("CLASS", 4),
    ("KEY_TYPE", 0x10),
    ("TOKEN", 0),
    ("SENSITIVE", 0),
    ("EXTRACTABLE", 1),
    ("VALUE_LEN", 32),
]


# pApplication and Notify, which are the application's own; and phKey where it should be NULL.
RESERVED = [Argument("reserved")] * 2


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


def secret(both, name, kind, value, *uses):
    template = [
        ("CLASS", 4),
        ("KEY_TYPE", kind),
        ("TOKEN", 0),
        ("SENSITIVE", 0),
        ("EXTRACTABLE", 1),
        ("VALUE", value),
    ]
    both.same("C_CreateObject", S, Template(*template, *[(use, 1) for use in uses]), Made(name))


def keys(both):
    uses = ["ENCRYPT", "DECRYPT", "DERIVE", "SIGN", "VERIFY"]
    secret(both, "aes", 0x1F, bytes(range(32)), *uses)
    secret(both, "wrapping", 0x1F, bytes(range(1, 33)), "WRAP", "UNWRAP")
    secret(both, "xts", C["CKK_AES_XTS"], bytes(range(64)), "ENCRYPT", "DECRYPT")
    secret(both, "chacha", C["CKK_CHACHA20"], bytes(range(32)), "ENCRYPT", "DECRYPT")
    secret(both, "generic", 0x10, bytes(range(32)), "DERIVE", "SIGN", "VERIFY")
    secret(both, "master", 0x10, bytes(range(48)), "DERIVE", "SIGN", "VERIFY")
    secret(both, "other", 0x10, b"another secret, of 31 bytes....", "DERIVE")
    # Pairs are made through KMIP, stored, and found by the library.
    sizes = {
        "rsa": ("CKM_RSA_PKCS_KEY_PAIR_GEN", ("MODULUS_BITS", 2048)),
        "ec": ("CKM_EC_KEY_PAIR_GEN", ("EC_PARAMS", bytes.fromhex("06082a8648ce3d030107"))),
        "ed": ("CKM_EC_EDWARDS_KEY_PAIR_GEN", ("EC_PARAMS", bytes.fromhex("06032b6570"))),
        "mlkem": ("CKM_ML_KEM_KEY_PAIR_GEN", ("PARAMETER_SET", 2)),
        "mldsa": ("CKM_ML_DSA_KEY_PAIR_GEN", ("PARAMETER_SET", 2)),
    }
    public = {
        "rsa": ["VERIFY", "ENCRYPT", "VERIFY_RECOVER"],
        "ec": ["VERIFY"],
        "ed": ["VERIFY"],
        "mlkem": ["ENCAPSULATE"],
        "mldsa": ["VERIFY"],
        "ecdh": [],
        "wrap rsa": ["WRAP"],
        "wrap ec": ["WRAP"],
    }
    private = {
        "rsa": ["SIGN", "DECRYPT", "SIGN_RECOVER"],
        "ec": ["SIGN"],
        "ed": ["SIGN"],
        "mlkem": ["DECAPSULATE"],
        "mldsa": ["SIGN"],
        "ecdh": ["DERIVE"],
        "wrap rsa": ["UNWRAP"],
        "wrap ec": ["UNWRAP"],
    }
    # What wraps keys is not for data besides.
    sizes |= {"ecdh": sizes["ec"], "wrap rsa": sizes["rsa"], "wrap ec": sizes["ec"]}
    wire, library = both.sides
    for name, (generator, size) in sizes.items():
        label = ("LABEL", b"tunnel " + name.encode())
        of_public = Template(label, ("TOKEN", 1), size, *[(use, 1) for use in public[name]])
        of_private = Template(label, ("TOKEN", 1), *[(use, 1) for use in private[name]])
        made = [Made(name + " public"), Made(name + " private")]
        code, _ = wire.call(
            "C_GenerateKeyPair", S, Mechanism(generator), of_public, of_private, *made
        )
        assert code == 0, f"{name}: {code:#x}"
        for side in both.sides:
            for half, number in (("public", 2), ("private", 3)):
                found = side.find(label, ("CLASS", number))
                assert len(found) == 1, (name, half, found)
                side.keys[f"{name} {half}"] = found[0]
        if name == "ecdh":
            points = [side.attribute("ecdh public", "EC_POINT") for side in both.sides]
            assert points[0] == points[1]
            both.point = points[0]


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


def derivations(both):
    random = dict(client=b"c" * 32, server=b"s" * 32)
    sha = C["CKM_SHA256"]
    form = lambda bits: Given("FORM", little=0, bits=bits)
    fields = [
        (1, form(32)),
        (4, b"label"),
        (4, b"\0"),
        (4, b"context"),
        (3, Given("LENGTH", method=1, little=0, bits=32)),
    ]
    without = [(1, b""), (2, form(8)), (4, b"label")]
    salt = dict(
        extract=1,
        expand=1,
        prf=sha,
        salt_type=C["CKF_HKDF_SALT_DATA"],
        salt=b"salt",
        salt_key=0,
        info=b"info",
    )
    kdf = lambda fields: Given("KDF", prf=C["CKM_SHA256_HMAC"], fields=fields)
    ecdh = lambda kdf: Given(
        "ECDH1", kdf=kdf, shared=b"shared" if kdf != 1 else b"", public=both.point
    )
    cases = [
        ("CKM_HKDF_DERIVE", Given("HKDF", **salt), "generic"),
        ("CKM_HKDF_DERIVE", Given("HKDF", **(salt | dict(extract=0))), "generic"),
        ("CKM_SP800_108_COUNTER_KDF", kdf(fields), "generic"),
        ("CKM_SP800_108_DOUBLE_PIPELINE_KDF", kdf(without), "generic"),
        (
            "CKM_SP800_108_FEEDBACK_KDF",
            Given("FEEDBACK", prf=C["CKM_SHA512_HMAC"], fields=without, iv=b"first"),
            "generic",
        ),
        ("CKM_ECDH1_DERIVE", ecdh(C["CKD_SHA256_KDF"]), "ecdh private"),
        ("CKM_ECDH1_DERIVE", ecdh(1), "ecdh private"),
        ("CKM_AES_ECB_ENCRYPT_DATA", Given("STRING", data=DATA), "aes"),
        ("CKM_AES_CBC_ENCRYPT_DATA", Given("CBC_DATA", iv=bytes(16), data=DATA), "aes"),
        ("CKM_CONCATENATE_BASE_AND_DATA", Given("STRING", data=b"data"), "generic"),
        ("CKM_CONCATENATE_DATA_AND_BASE", Given("STRING", data=b"data"), "generic"),
        ("CKM_XOR_BASE_AND_DATA", Given("STRING", data=DATA), "generic"),
        ("CKM_EXTRACT_KEY_FROM_KEY", Given("ULONG", number=5), "master"),
        ("CKM_SHA256_KEY_DERIVATION", None, "generic"),
        ("CKM_SHAKE_256_KEY_DERIVATION", None, "generic"),
        (
            "CKM_TLS_KDF",
            Given("TLS_KDF", hash=sha, label=b"EXPORTER test", context=b"context", **random),
            "master",
        ),
    ]
    for number, (name, parameter, base) in enumerate(cases):
        both.same(
            "C_DeriveKey",
            S,
            Mechanism(name, parameter),
            Key(base),
            Template(*RESULT),
            Made(f"derived {number}"),
        )
        both.value(f"derived {number}")
    # Another key's handle, which is not the same number at both.
    for side in both.sides:
        other = Given("ULONG", number=side.keys["other"])
        code, _ = side.call(
            "C_DeriveKey",
            S,
            Mechanism("CKM_CONCATENATE_BASE_AND_KEY", other),
            Key("generic"),
            Template(*RESULT),
            Made("joined"),
        )
        assert code == 0, code
    both.value("joined")
    # A key among the data, and two keys besides.
    for side in both.sides:
        data = without + [(5, Given("ULONG", number=side.keys["other"]))]
        more = [("second", RESULT), ("third", RESULT)]
        several = Given("KDF", True, prf=C["CKM_SHA256_HMAC"], fields=data, keys=more)
        call = (S, Mechanism("CKM_SP800_108_DOUBLE_PIPELINE_KDF", several), Key("generic"))
        code, found = side.call("C_DeriveKey", *call, Template(*RESULT), Made("first"))
        assert (code, found) == (0, ["a key"] * 3), (code, found)
    assert len({both.value(name) for name in ("first", "second", "third")}) == 3
    secret48 = [
        ("CLASS", 4),
        ("KEY_TYPE", 0x10),
        ("TOKEN", 0),
        ("SENSITIVE", 0),
        ("EXTRACTABLE", 1),
        ("DERIVE", 1),
        ("VALUE_LEN", 48),
    ]
    for name, parameter in [
        ("CKM_TLS12_MASTER_KEY_DERIVE_DH", Given("TLS_MASTER", hash=sha, **random)),
        (
            "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH",
            Given("TLS_EXTENDED", hash=sha, session=b"h" * 32),
        ),
    ]:
        both.same(
            "C_DeriveKey",
            S,
            Mechanism(name, parameter),
            Key("generic"),
            Template(*secret48),
            Made("made master"),
        )
        both.value("made master")
    made = [
        ("CLASS", 4),
        ("KEY_TYPE", 0x1F),
        ("TOKEN", 0),
        ("SENSITIVE", 0),
        ("EXTRACTABLE", 1),
        ("ENCRYPT", 1),
    ]
    for name, vectors in (
        ("CKM_TLS12_KEY_AND_MAC_DERIVE", True),
        ("CKM_TLS12_KEY_SAFE_DERIVE", False),
    ):
        keys = Given(
            "TLS_KEYS", True, mac=256, key=128, iv=32, export=0, hash=sha, vectors=vectors, **random
        )
        found = both.same(
            "C_DeriveKey", S, Mechanism(name, keys), Key("master"), Template(*made), RESERVED[0]
        )
        assert found[:4] == [True] * 4 and len(found[4]) == (4 if vectors else 0), found
    both.refused(
        "MECHANISM_PARAM_INVALID",
        "C_DeriveKey",
        S,
        Mechanism("CKM_SP800_108_COUNTER_KDF", kdf([(9, b"x")])),
        Key("generic"),
        Template(*RESULT),
        Made("none"),
    )
    both.refused(
        "MECHANISM_PARAM_INVALID",
        "C_DeriveKey",
        S,
        Mechanism("CKM_HKDF_DERIVE", None),
        Key("generic"),
        Template(*RESULT),
        Made("none"),
    )
    pbkdf2 = Given(
        "PBKDF2",
        source=1,
        salt=b"salt",
        iterations=1000,
        prf=C["CKP_PKCS5_PBKD2_HMAC_SHA256"],
        data=b"",
        password=b"password",
    )
    both.same(
        "C_GenerateKey",
        S,
        Mechanism("CKM_PKCS5_PBKD2", pbkdf2),
        Template(*RESULT),
        Made("of a password"),
    )
    assert both.value("of a password").hex().startswith("632c2812e46d4604")


def wrapping(both):
    iv = bytes(range(12))
    unwrapped = [
        ("CLASS", 4),
        ("KEY_TYPE", 0x10),
        ("TOKEN", 0),
        ("SENSITIVE", 0),
        ("EXTRACTABLE", 1),
    ]
    rsa = Given("OAEP", hash=C["CKM_SHA256"], mgf=C["CKG_MGF1_SHA256"], source=1, label=b"")
    cases = [
        ("CKM_AES_KEY_WRAP", None, "wrapping", True),
        ("CKM_AES_KEY_WRAP_KWP", None, "wrapping", True),
        ("CKM_AES_GCM", Given("GCM", iv=iv, iv_bits=96, aad=b"a", tag_bits=128), "wrapping", True),
        (
            "CKM_AES_GCM",
            Given("GCM_WRAP", True, iv=iv, fixed=0, generator=0, aad=b"a", tag_bits=128),
            "wrapping",
            True,
        ),
        (
            "CKM_AES_CCM",
            Given("CCM_WRAP", True, data=32, iv=iv, fixed=0, generator=0, aad=b"a", mac=16),
            "wrapping",
            True,
        ),
        ("CKM_RSA_AES_KEY_WRAP", Given("RSA_AES", bits=256, oaep=rsa), "wrap rsa", False),
        (
            "CKM_ECDH_AES_KEY_WRAP",
            Given("ECDH_AES", bits=256, kdf=C["CKD_SHA256_KDF_SP800"], shared=b"shared"),
            "wrap ec",
            False,
        ),
    ]
    for name, parameter, key, fixed in cases:
        ends = (key, key) if fixed else (key + " public", key + " private")
        call = (S, Mechanism(name, parameter), Key(ends[0]), Key("generic"))
        made = both.shaped("C_WrapKey", *call, Room(1000))
        if fixed:
            assert made[0] == made[1], name
        # Each unwraps what either wrapped.
        for *_, (_, wrapped) in made:
            again = Mechanism(name, parameter and Given(parameter.name, **parameter.values))
            both.same(
                "C_UnwrapKey",
                S,
                again,
                Key(ends[1]),
                A(wrapped),
                Template(*unwrapped),
                Made("unwrapped"),
            )
            assert both.value("unwrapped") == bytes(range(32)), name
    sealing = Given("GCM_MESSAGE", True, iv=iv, fixed=0, generator=0, tag=bytes(16))
    (_, vector), (_, tag), (_, wrapped) = both.same(
        "C_WrapKeyAuthenticated",
        S,
        Mechanism("CKM_AES_GCM", sealing),
        Key("wrapping"),
        Key("generic"),
        A(b"with"),
        Room(1000),
    )
    opening = Given("GCM_OPENED", iv=vector, fixed=0, generator=0, tag=tag)
    both.same(
        "C_UnwrapKeyAuthenticated",
        S,
        Mechanism("CKM_AES_GCM", opening),
        Key("wrapping"),
        A(wrapped),
        Template(*unwrapped),
        A(b"with"),
        Made("unwrapped"),
    )
    assert both.value("unwrapped") == bytes(range(32))
    both.each(
        "C_UnwrapKeyAuthenticated",
        S,
        Mechanism("CKM_AES_GCM", opening),
        Key("wrapping"),
        A(wrapped),
        Template(*unwrapped),
        A(b"without"),
        Made("none"),
    )


def encapsulation(both):
    shared = Template(
        ("CLASS", 4),
        ("KEY_TYPE", 0x10),
        ("TOKEN", 0),
        ("SENSITIVE", 0),
        ("EXTRACTABLE", 1),
        ("VALUE_LEN", 32),
    )
    call = (S, Mechanism("CKM_ML_KEM"), Key("mlkem public"), shared)
    both.same("C_EncapsulateKey", *call, Room(None), Made("none"))
    found = both.shaped("C_EncapsulateKey", *call, Room(2000), Made("encapsulated"))
    for side, ((_, sealed), _) in zip(both.sides, found):
        both.same(
            "C_DecapsulateKey",
            S,
            Mechanism("CKM_ML_KEM"),
            Key("mlkem private"),
            shared,
            A(sealed),
            Made("decapsulated"),
        )
        assert both.value("decapsulated") == side.attribute("encapsulated", "VALUE")


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
