"""Arguments of PKCS#11's functions, on the wire and in memory.

The encoding is written from the rules of docs/KMIP.md ("Encoding of parameters"), and from nothing
else: a structure is described once, as C has it, and both ways follow from that.
"""

import ctypes
import os
import re
import struct

HEADER = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../include/keybridge_pkcs11.h"
)
C = {}
with open(HEADER, encoding="utf-8") as header:
    for name, number in re.findall(r"#define (CK\w+) \(?(0x[0-9a-f]+|\d+)UL\)?", header.read()):
        C[name] = int(number, 0)
# What the header has no name for.
C |= {"CKH_DETERMINISTIC_REQUIRED": 2, "CKP_PKCS5_PBKD2_HMAC_SHA256": 4, "CKD_SHA256_KDF_SP800": 16}

# Structures as in C: u CK_ULONG, f CK_BBOOL, p pointer to bytes and l its length (b: its length in
# bits), i bytes that the token may write, o bytes that it writes, x an array in the structure,
# n a pointer to a structure, v a pointer to a version (NULL), d fields of SP 800-108 and c their
# count, k keys that are derived besides and e their count, m what CK_SSL3_KEY_MAT_OUT is.
LAYOUTS = {
    "CTR": "u:bits x:block",
    "GCM": "i:iv l:iv u:iv_bits p:aad l:aad u:tag_bits",
    "CCM": "u:data p:nonce l:nonce p:aad l:aad u:mac",
    "CHACHA20": "p:counter b:counter p:nonce b:nonce",
    "CHACHA_POLY": "p:nonce b:nonce p:aad l:aad",
    "ULONG": "u:number",
    "PSS": "u:hash u:mgf u:salt",
    "OAEP": "u:hash u:mgf u:source p:label l:label",
    "EDDSA": "f:prehash l:context p:context",
    "ECDH1": "u:kdf l:shared p:shared l:public p:public",
    "HKDF": "f:extract f:expand u:prf u:salt_type p:salt l:salt u:salt_key p:info l:info",
    "CBC_DATA": "x:iv p:data l:data",
    "STRING": "p:data l:data",
    "SIGN": "u:hedge p:context l:context",
    "HASH_SIGN": "u:hedge p:context l:context u:hash",
    "RSA_AES": "u:bits n:oaep",
    "ECDH_AES": "u:bits u:kdf l:shared p:shared",
    "KDF": "u:prf c:fields d:fields e:keys k:keys",
    "FEEDBACK": "u:prf c:fields d:fields l:iv p:iv e:keys k:keys",
    "FORM": "f:little u:bits",
    "LENGTH": "u:method f:little u:bits",
    "TLS_MASTER": "p:client l:client p:server l:server v:version u:hash",
    "TLS_EXTENDED": "u:hash p:session l:session v:version",
    "TLS_KDF": "u:hash p:label l:label p:client l:client p:server l:server p:context l:context",
    "TLS_KEYS": "u:mac u:key u:iv f:export p:client l:client p:server l:server m:made u:hash",
    "TLS_MAC": "u:hash u:length u:side",
    "PBKDF2": "u:source p:salt l:salt u:iterations u:prf p:data l:data p:password l:password",
    "GCM_MESSAGE": "i:iv l:iv u:fixed u:generator o:tag b:tag",
    "GCM_OPENED": "p:iv l:iv u:fixed u:generator p:tag b:tag",
    "CCM_MESSAGE": "u:data i:iv l:iv u:fixed u:generator o:tag l:tag",
    "CCM_OPENED": "u:data p:iv l:iv u:fixed u:generator p:tag l:tag",
    "CHACHA_MESSAGE": "i:iv b:iv o:tag",
    "CHACHA_OPENED": "p:iv b:iv p:tag",
    "GCM_WRAP": "i:iv l:iv u:fixed u:generator p:aad l:aad u:tag_bits",
    "CCM_WRAP": "u:data i:iv l:iv u:fixed u:generator p:aad l:aad u:mac",
}


def ulong(number):
    return struct.pack(">Q", number)


def array(data):
    return struct.pack(">I", len(data)) + data


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, length):
        assert len(self.data) >= length, "the output is cut"
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def ulong(self):
        return struct.unpack(">Q", self.take(8))[0]

    def count(self):
        return struct.unpack(">I", self.take(4))[0]

    def made(self):
        there, length = self.take(1)[0], self.count()
        return (length, self.take(length) if there else None)


class Memory(ctypes.Structure):
    """CK_SSL3_KEY_MAT_OUT."""

    _fields_ = [(f"key{number}", ctypes.c_ulong) for number in range(4)]
    _fields_ += [("iv_client", ctypes.c_void_p), ("iv_server", ctypes.c_void_p)]


class Given:
    """A structure with its values."""

    def __init__(self, layout, outputs=False, **values):
        self.name, self.outputs, self.values = layout, outputs, values
        self.fields = [field.split(":") for field in LAYOUTS[layout].split()]
        self.buffers, self.handles = {}, {}

    def wire(self):
        out = b""
        for kind, name in self.fields:
            value = self.values.get(name, b"")
            if kind == "u":
                out += ulong(value)
            elif kind == "f":
                out += bytes([value])
            elif kind in "pi":
                out += array(value)
            elif kind == "o":
                out += b"\1" + struct.pack(">I", len(value))
            elif kind == "x":
                out += value
            elif kind == "n":
                out += value.wire()
            elif kind == "v":
                out += b"\0"
            elif kind == "d":
                out += struct.pack(">I", len(value))
                for number, inner in value:
                    inner = inner.wire() if isinstance(inner, Given) else inner
                    out += ulong(number) + array(inner)
            elif kind == "k":
                out += struct.pack(">I", len(value))
                out += b"".join(template_on_wire(template) for _, template in value)
        return out

    def read(self, reader):
        found = []
        for kind, _ in self.fields:
            if kind in "io":
                found.append(reader.made())
            elif kind == "k":
                self.handles = {key: reader.ulong() for key, _ in self.values.get("keys", [])}
                found += ["a key"] * len(self.handles)
            elif kind == "m":
                found += [bool(reader.ulong()) for _ in range(4)]
                found += [reader.made()[1] for _ in range(2)]
        return found

    def buffer(self, name, data):
        self.buffers[name] = ctypes.create_string_buffer(data, max(len(data), 1))
        return ctypes.addressof(self.buffers[name])

    def memory(self):
        types, places = [], []
        for number, (kind, name) in enumerate(self.fields):
            value = self.values.get(name, b"")
            kinds = {"f": ctypes.c_ubyte, "x": ctypes.c_ubyte * len(value) if kind == "x" else None}
            pointers = kind in "piondkvm"
            types.append(
                (f"f{number}", kinds.get(kind) or (ctypes.c_void_p if pointers else ctypes.c_ulong))
            )
            if kind in "uf":
                places.append(value)
            elif kind == "x":
                places.append((ctypes.c_ubyte * len(value))(*value))
            elif kind in "lce":
                places.append(len(value))
            elif kind == "b":
                places.append(len(value) * 8)
            elif kind in "pio":
                # With nothing to give, a place for a vector that the token makes.
                places.append(
                    self.buffer(name, value or bytes(16) if kind == "i" else value)
                    if value or kind == "i"
                    else None
                )
            elif kind == "n":
                places.append(ctypes.addressof(value.memory()))
            elif kind == "d":
                places.append(self.data_fields(value))
            elif kind == "k":
                places.append(self.additional(value))
            elif kind == "m":
                vectors = [self.buffer(which, bytes(16)) for which in ("iv_client", "iv_server")]
                self.made = Memory(0, 0, 0, 0, *vectors)
                places.append(ctypes.addressof(self.made))
            else:
                places.append(None)
        kind = type("Structure", (ctypes.Structure,), {"_fields_": types})
        self.structure = kind(*places)
        return self.structure

    def additional(self, keys):
        class Derived(ctypes.Structure):
            _fields_ = [
                ("template", ctypes.c_void_p),
                ("count", ctypes.c_ulong),
                ("handle", ctypes.c_void_p),
            ]

        self.templates = [template_in_memory(template) for _, template in keys]
        self.places = (ctypes.c_ulong * max(len(keys), 1))()
        self.derived = (Derived * max(len(keys), 1))()
        for number, (made, _) in enumerate(self.templates):
            self.derived[number].template = ctypes.addressof(made)
            self.derived[number].count = len(keys[number][1])
            self.derived[number].handle = ctypes.addressof(self.places) + 8 * number
        return ctypes.addressof(self.derived)

    def data_fields(self, fields):
        class Field(ctypes.Structure):
            _fields_ = [
                ("kind", ctypes.c_ulong),
                ("value", ctypes.c_void_p),
                ("length", ctypes.c_ulong),
            ]

        self.inner = (Field * max(len(fields), 1))()
        for place, (number, value) in zip(self.inner, fields):
            place.kind = number
            if isinstance(value, Given):
                place.value, place.length = ctypes.addressof(value.memory()), ctypes.sizeof(
                    value.structure
                )
            elif value:
                place.value, place.length = self.buffer(f"field {len(self.buffers)}", value), len(
                    value
                )
        return ctypes.addressof(self.inner)

    def written(self, succeeded):
        found = []
        for number, (kind, name) in enumerate(self.fields):
            if kind in "io":
                value = self.values.get(name, b"")
                length = len(value)
                if kind == "i" and not value and "l" in dict(self.fields):
                    length = getattr(self.structure, f"f{number + 1}")
                found.append((length, self.buffers[name].raw[:length] if succeeded else None))
            elif kind == "k":
                names = [key for key, _ in self.values.get("keys", [])]
                self.handles = dict(zip(names, self.places))
                found += ["a key"] * len(names)
            elif kind == "m":
                found += [bool(getattr(self.made, f"key{place}")) for place in range(4)]
                length = self.values["iv"] // 8 if self.values.get("vectors", True) else 0
                found += [self.buffers[which].raw[:length] for which in ("iv_client", "iv_server")]
        return found


class Argument:
    """One or two arguments of a prototype. What is None is NULL."""

    def __init__(self, kind, value=None):
        self.kind, self.value = kind, value

    def __repr__(self):
        return f"{self.kind} {self.value}"


def U(number):
    return Argument("ulong", number)


def A(data):
    return Argument("array", data)


def Key(name):
    return Argument("key", name)


def Made(name):
    return Argument("made", name)


def Room(length):
    return Argument("room", length)


def Mechanism(name, parameter=None):
    return Argument("mechanism", (name, parameter))


def Parameter(given=None):
    return Argument("parameter", given)


def Template(*attributes):
    return Argument("template", attributes)


def Optional(argument=None):
    return Argument("optional", argument)


BOOLEANS = (
    """TOKEN PRIVATE SENSITIVE ENCRYPT DECRYPT WRAP UNWRAP SIGN SIGN_RECOVER VERIFY VERIFY_RECOVER
DERIVE EXTRACTABLE MODIFIABLE COPYABLE DESTROYABLE TRUSTED ENCAPSULATE DECAPSULATE""".split()
)
NUMBERS = "CLASS KEY_TYPE VALUE_LEN MODULUS_BITS PARAMETER_SET".split()


def kind_of(name):
    return "bool" if name in BOOLEANS else "ulong" if name in NUMBERS else "bytes"


def template_on_wire(template):
    out = struct.pack(">I", len(template))
    for name, value in template:
        out += ulong(C["CKA_" + name]) + b"\1\1"
        what = kind_of(name)
        out += (
            bytes([value]) if what == "bool" else ulong(value) if what == "ulong" else array(value)
        )
    return out


def template_in_memory(template):
    """The attributes, and what must be kept as long as they are used."""

    class Attribute(ctypes.Structure):
        _fields_ = [
            ("kind", ctypes.c_ulong),
            ("value", ctypes.c_void_p),
            ("length", ctypes.c_ulong),
        ]

    made, keep = (Attribute * max(len(template), 1))(), []
    for place, (name, value) in zip(made, template):
        what = kind_of(name)
        data = value if what == "bytes" else struct.pack("=Q" if what == "ulong" else "B", value)
        keep.append(ctypes.create_string_buffer(data, max(len(data), 1)))
        place.kind, place.length = C["CKA_" + name], len(data)
        place.value = ctypes.addressof(keep[-1])
    return made, keep
