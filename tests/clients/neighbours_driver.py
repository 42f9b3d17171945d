"""Two PKCS#11 modules in one process: what one does must not disturb the other.

neighbours_driver.py OURS LABEL PIN THEIRS LABEL PIN; prints "passed".
"""

import os
import sys
import threading

import PyKCS11

MECHANISM = PyKCS11.Mechanism(PyKCS11.CKM_SHA1_RSA_PKCS, None)


class Token:
    """A module with one token, logged in, and a pair of keys there."""

    def __init__(self, module, label, pin):
        self.library = PyKCS11.PyKCS11Lib()
        self.library.load(module)
        slots = self.library.getSlotList(tokenPresent=True)
        self.slot = next(s for s in slots if self.library.getTokenInfo(s).label.strip() == label)
        flags = PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION
        self.session = self.library.openSession(self.slot, flags)
        self.session.login(pin)
        public = [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PUBLIC_KEY),
            (PyKCS11.CKA_TOKEN, True),
            (PyKCS11.CKA_MODULUS_BITS, 2048),
            (PyKCS11.CKA_PUBLIC_EXPONENT, (1, 0, 1)),
            (PyKCS11.CKA_VERIFY, True),
        ]
        private = [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY),
            (PyKCS11.CKA_TOKEN, True),
            (PyKCS11.CKA_PRIVATE, True),
            (PyKCS11.CKA_SENSITIVE, True),
            (PyKCS11.CKA_SIGN, True),
        ]
        self.public, self.private = self.session.generateKeyPair(public, private)

    def sign(self, message, session=None):
        return bytes((session or self.session).sign(self.private, message, MECHANISM))

    def verifies(self, message, signature, key=None):
        return self.session.verify(key or self.public, message, signature, MECHANISM)

    def take_public_key_of(self, other):
        kinds = [PyKCS11.CKA_MODULUS, PyKCS11.CKA_PUBLIC_EXPONENT]
        modulus, exponent = (bytes(v) for v in other.session.getAttributeValue(other.public, kinds))
        return self.session.createObject([
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PUBLIC_KEY),
            (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_RSA),
            (PyKCS11.CKA_TOKEN, False),
            (PyKCS11.CKA_PRIVATE, False),
            (PyKCS11.CKA_MODULUS, modulus),
            (PyKCS11.CKA_PUBLIC_EXPONENT, exponent),
            (PyKCS11.CKA_VERIFY, True),
        ])

    def end(self):
        for key in (self.public, self.private):
            self.session.destroyObject(key)
        self.session.logout()
        self.session.closeSession()
        self.library.lib.C_Finalize()
        self.library.unload()


def in_turns(tokens):
    for number in range(20):
        message = b"message %d" % number
        for token in tokens:
            assert token.verifies(message, token.sign(message))


def in_threads(tokens):
    errors = []

    def work(token):
        try:
            session = token.library.openSession(token.slot, PyKCS11.CKF_SERIAL_SESSION)
            for _ in range(20):
                token.sign(b"a thread", session)
            session.closeSession()
        except Exception as error:  # pylint: disable=broad-except
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def across(tokens):
    for one, other in (tokens, reversed(tokens)):
        key = other.take_public_key_of(one)
        assert other.verifies(b"across", one.sign(b"across"), key)


def in_a_child(ours):
    child = os.fork()
    if child == 0:
        try:
            ours.sign(b"a child")
        except PyKCS11.PyKCS11Error as error:
            os._exit(0 if error.value == PyKCS11.CKR_CRYPTOKI_NOT_INITIALIZED else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main():
    ours, theirs = Token(*sys.argv[1:4]), Token(*sys.argv[4:7])
    in_turns([ours, theirs])
    in_threads([ours, theirs])
    across([ours, theirs])
    in_a_child(ours)
    in_turns([ours, theirs])
    theirs.end()
    in_turns([ours])
    ours.end()
    print("passed")


main()
