"""Keys that two clients of PKCS#11 have, and what is made of keys."""

from pkcs11_both import DATA, RESERVED, RESULT, S
from pkcs11_parameters import A, C, Given, Key, Made, Mechanism, Room, Template


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
