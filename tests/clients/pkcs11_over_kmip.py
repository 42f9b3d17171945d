"""Two ways to call PKCS#11: through KMIP, and the PKCS#11 module itself."""

import ctypes
import re
import socket
import ssl
import struct

from pkcs11_parameters import HEADER, C, Given, Reader, Template, array, template_in_memory
from pkcs11_parameters import template_on_wire, ulong


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
