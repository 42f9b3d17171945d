"""The same calls at two clients of PKCS#11, and what both must answer alike."""

from pkcs11_parameters import Argument, C, Given, Key

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
