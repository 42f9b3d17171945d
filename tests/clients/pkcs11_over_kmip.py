"""Two ways to call PKCS#11: through KMIP, and the PKCS#11 module itself.

The encoding is written from the rules of docs/KMIP.md ("Encoding of parameters"), and from nothing
else: a structure is described once, as C has it, and both ways follow from that.
"""

import ctypes
import os
import re
import socket
import ssl
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


class Wire:
    """Through KMIP 2.1, over TLS."""

    TAGS = {
        "interface": 0x420159,
        "function": 0x42015A,
        "input": 0x42015B,
        "output": 0x42015C,
        "code": 0x42015D,
        "value": 0x4200D6,
        "reason": 0x42007E,
    }

    def __init__(self, options):
        context = ssl.create_default_context(cafile=options.ca)
        context.load_cert_chain(options.cert, options.key)
        context.check_hostname = False
        plain = socket.create_connection(("127.0.0.1", options.port), timeout=120)
        self.stream = context.wrap_socket(plain)
        with open(HEADER, encoding="utf-8") as text:
            names = re.findall(r"^\s*(?:extern )?CK_RV (C_\w+)\(", text.read(), re.M)
        self.numbers = {name: number for number, name in enumerate(dict.fromkeys(names), 1)}
        self.keys, self.value, self.slot = {}, None, 0
        code, _ = self.exchange("C_Initialize", b"\1")
        assert code == 0, code

    @staticmethod
    def item(tag, kind, data):
        padding = bytes(-len(data) % 8)
        return struct.pack(">I", tag << 8 | kind) + struct.pack(">I", len(data)) + data + padding

    def exchange(self, function, parameters):
        tags, item = self.TAGS, self.item
        payload = item(tags["function"], 5, struct.pack(">I", self.numbers[function]))
        if self.value is not None:
            payload += item(tags["value"], 8, self.value)
        if parameters:
            payload += item(tags["input"], 8, parameters)
        version = item(0x42006A, 2, struct.pack(">i", 2)) + item(0x42006B, 2, struct.pack(">i", 1))
        head = item(0x420069, 1, version) + item(0x42000D, 2, struct.pack(">i", 1))
        batch = item(0x42005C, 5, struct.pack(">I", 0x33)) + item(0x420079, 1, payload)
        message = item(0x420078, 1, item(0x420077, 1, head) + item(0x42000F, 1, batch))
        self.stream.sendall(message)
        answer = self.receive(8)
        answer = self.receive(struct.unpack(">I", answer[4:])[0])
        found = {}
        self.walk(answer, found)
        if tags["reason"] in found:
            return ("refused", struct.unpack(">I", found[tags["reason"]])[0]), b""
        if tags["value"] in found:
            self.value = found[tags["value"]]
        return struct.unpack(">I", found[tags["code"]])[0], found.get(tags["output"], b"")

    def receive(self, length):
        data = b""
        while len(data) < length:
            part = self.stream.recv(length - len(data))
            assert part, "the server closed the connection"
            data += part
        return data

    def walk(self, data, found):
        while data:
            tag, length = struct.unpack(">II", data[:8])
            value = data[8 : 8 + length]
            if tag & 0xFF == 1:
                self.walk(value, found)
            else:
                found[tag >> 8] = value
            data = data[8 + length + -length % 8 :]

    def encode(self, argument):
        kind, value = argument.kind, argument.value
        if kind == "ulong":
            return ulong(value)
        if kind == "key":
            return ulong(self.keys[value])
        if kind == "array":
            return array(value)
        if kind == "room":
            return b"\0\0\0\0\0" if value is None else b"\1" + struct.pack(">I", value)
        if kind == "parameter":
            return array(value.wire() if value else b"")
        if kind == "mechanism":
            name, parameter = value
            number = ulong(C[name] if isinstance(name, str) else name)
            if parameter is None:
                return number + b"\0"
            inner = parameter.wire() if isinstance(parameter, Given) else array(parameter)
            return number + b"\1" + array(inner)
        if kind == "template":
            return template_on_wire(value)
        if kind == "optional":
            return b"\0" if value is None else b"\1" + self.encode(value)
        return b""

    def call(self, function, *arguments):
        code, output = self.exchange(function, b"".join(self.encode(one) for one in arguments))
        if code not in (0, C["CKR_BUFFER_TOO_SMALL"]):
            return code, []
        reader, found = Reader(output), []
        for one in arguments:
            one = one.value if one.kind == "optional" and one.value else one
            given = one.value[1] if one.kind == "mechanism" else one.value
            if (
                one.kind in ("mechanism", "parameter")
                and isinstance(given, Given)
                and given.outputs
            ):
                found += given.read(reader)
                self.keys.update(given.handles)
            elif one.kind == "room":
                found.append(reader.made())
            elif one.kind == "number":
                found.append(reader.ulong())
            elif one.kind == "made" and reader.data:
                self.keys[one.value] = reader.ulong()
                found.append("a key")
        assert not reader.data, f"{function}: {reader.data.hex()} is left of the output"
        return code, found

    def attribute(self, key, name):
        asked = ulong(self.keys["session"]) + ulong(self.keys[key]) + struct.pack(">I", 1)
        asked += ulong(C["CKA_" + name]) + b"\0\1" + struct.pack(">I", 10000)
        code, output = self.exchange("C_GetAttributeValue", asked)
        if code:
            return code
        reader = Reader(output)
        assert (reader.count(), reader.ulong(), reader.take(2)) == (1, C["CKA_" + name], b"\1\1")
        return reader.take(reader.count())

    def find(self, *attributes):
        session = ulong(self.keys["session"])
        template = self.encode(Template(*attributes))
        assert self.exchange("C_FindObjectsInit", session + template)[0] == 0
        code, output = self.exchange("C_FindObjects", session + struct.pack(">I", 100))
        assert code == 0 and self.exchange("C_FindObjectsFinal", session)[0] == 0
        reader = Reader(output)
        return [reader.ulong() for _ in range(reader.count())]

    def mechanisms(self):
        code, output = self.exchange(
            "C_GetMechanismList", ulong(0) + b"\1" + struct.pack(">I", 1000)
        )
        reader = Reader(output)
        assert (code, reader.take(1)) == (0, b"\1")
        return [reader.ulong() for _ in range(reader.count())]


class Library:
    """The module itself."""

    def __init__(self, options):
        self.library = ctypes.CDLL(options.module)
        self.keys, self.keep = {}, []
        assert self.raw("C_Initialize", None) == 0
        slots, count = (ctypes.c_ulong * 16)(), ctypes.c_ulong(16)
        assert self.raw("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count)) == 0
        self.slot = slots[0]

    def raw(self, function, *arguments):
        called = getattr(self.library, function)
        called.restype = ctypes.c_ulong
        return called(*arguments)

    def kept(self, thing):
        self.keep.append(thing)
        return thing

    def bytes(self, data):
        return self.kept(ctypes.create_string_buffer(data, max(len(data), 1)))

    def attributes(self, template):
        return self.kept(template_in_memory(template))[0]

    def given(self, argument, later):
        kind, value = argument.kind, argument.value
        if kind == "ulong":
            return [ctypes.c_ulong(value)]
        if kind == "key":
            return [ctypes.c_ulong(self.keys[value])]
        if kind == "array":
            return [self.bytes(value), ctypes.c_ulong(len(value))]
        if kind == "reserved":
            return [None]
        if kind == "place":
            return [ctypes.byref(self.kept(ctypes.c_ulong(0)))]
        if kind == "number":
            place = self.kept(ctypes.c_ulong(0))
            later.append(("number", value, place, None))
            return [ctypes.byref(place)]
        if kind == "made":
            place = self.kept(ctypes.c_ulong(0))
            later.append(("made", value, place, None))
            return [ctypes.byref(place)]
        if kind == "room":
            buffer = None if value is None else self.bytes(bytes(value))
            length = self.kept(ctypes.c_ulong(value or 0))
            later.append(("room", value, buffer, length))
            return [buffer, ctypes.byref(length)]
        if kind == "parameter":
            if value is None:
                return [None, ctypes.c_ulong(0)]
            memory = value.memory()
            if value.outputs:
                later.append(("given", value, None, None))
            return [ctypes.byref(memory), ctypes.c_ulong(ctypes.sizeof(memory))]
        if kind == "mechanism":
            return [ctypes.byref(self.mechanism(*value, later))]
        if kind == "template":
            return [self.attributes(value), ctypes.c_ulong(len(value))]
        return [None, None] if value is None else self.given(value, later)

    def mechanism(self, name, parameter, later):
        class CMechanism(ctypes.Structure):
            _fields_ = [
                ("kind", ctypes.c_ulong),
                ("value", ctypes.c_void_p),
                ("length", ctypes.c_ulong),
            ]

        made = self.kept(CMechanism(C[name] if isinstance(name, str) else name, None, 0))
        if isinstance(parameter, Given):
            memory = parameter.memory()
            made.value, made.length = ctypes.addressof(memory), ctypes.sizeof(memory)
            if parameter.outputs:
                later.append(("given", parameter, None, None))
        elif parameter is not None:
            made.value, made.length = ctypes.addressof(self.bytes(parameter)), len(parameter)
        return made

    def call(self, function, *arguments):
        later, given = [], []
        for one in arguments:
            given += self.given(one, later)
        code = self.raw(function, *given)
        if code not in (0, C["CKR_BUFFER_TOO_SMALL"]):
            return code, []
        asked = any(kind == "room" and room is None for kind, room, _, _ in later)
        found = []
        for kind, value, place, length in later:
            if kind == "given":
                found += value.written(code == 0 and not asked)
                self.keys.update(value.handles)
            elif kind == "room":
                written = code == 0 and value is not None
                found.append((length.value, place.raw[: length.value] if written else None))
            elif kind == "number":
                found.append(place.value)
            elif place.value:
                self.keys[value] = place.value
                found.append("a key")
        return code, found

    def attribute(self, key, name):
        template = self.attributes([(name, bytes(10000))])
        code = self.raw(
            "C_GetAttributeValue",
            ctypes.c_ulong(self.keys["session"]),
            ctypes.c_ulong(self.keys[key]),
            template,
            ctypes.c_ulong(1),
        )
        return code or ctypes.string_at(template[0].value, template[0].length)

    def find(self, *attributes):
        session = ctypes.c_ulong(self.keys["session"])
        template = self.attributes(attributes)
        assert (
            self.raw("C_FindObjectsInit", session, template, ctypes.c_ulong(len(attributes))) == 0
        )
        found, count = (ctypes.c_ulong * 100)(), ctypes.c_ulong(0)
        assert (
            self.raw("C_FindObjects", session, found, ctypes.c_ulong(100), ctypes.byref(count)) == 0
        )
        assert self.raw("C_FindObjectsFinal", session) == 0
        return list(found[: count.value])

    def mechanisms(self):
        found, count = (ctypes.c_ulong * 1000)(), ctypes.c_ulong(1000)
        assert (
            self.raw("C_GetMechanismList", ctypes.c_ulong(self.slot), found, ctypes.byref(count))
            == 0
        )
        return list(found[: count.value])
