"""Programs over PyKCS11, unmodified: raw templates and mechanisms, as its users write them.

`pykcs11_driver.py MODULE LABEL PIN SCENARIO`; what the token makes is checked by the
`cryptography` package. Prints "passed".
"""

import sys

import PyKCS11 as p11
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MESSAGE = b"the quick brown fox jumps over the lazy dog"
IV = bytes(range(16))
YES, NO = p11.CK_TRUE, p11.CK_FALSE


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def refused(codes, function, *args):
    try:
        answer = function(*args)
    except p11.PyKCS11Error as error:
        if error.value in codes:
            return
        raise
    raise AssertionError(f"must be refused, got {answer!r}")


def secret_template(**more):
    """Every usage flag, as the library's own examples set them."""
    template = [
        (p11.CKA_CLASS, p11.CKO_SECRET_KEY), (p11.CKA_KEY_TYPE, p11.CKK_AES),
        (p11.CKA_TOKEN, YES), (p11.CKA_PRIVATE, YES), (p11.CKA_VALUE_LEN, 32),
        (p11.CKA_ENCRYPT, YES), (p11.CKA_DECRYPT, YES), (p11.CKA_SIGN, YES),
        (p11.CKA_VERIFY, YES), (p11.CKA_WRAP, YES), (p11.CKA_UNWRAP, YES),
    ]
    return template + [(getattr(p11, name), value) for name, value in more.items()]


def information(session, library, slot):
    """The module, the slot, the token and its mechanisms describe themselves."""
    equal(library.getInfo().manufacturerID.strip() != "", True, "manufacturer")
    token = library.getTokenInfo(slot)
    equal("CKF_LOGIN_REQUIRED" in token.flags2text(), True, "login required")
    equal("CKF_WRITE_PROTECTED" in token.flags2text(), False, "write protected")
    mechanisms = library.getMechanismList(slot)
    for name in ("CKM_RSA_PKCS", "CKM_ECDSA", "CKM_AES_GCM", "CKM_SHA256"):
        equal(name in mechanisms, True, name)
        library.getMechanismInfo(slot, name)
    info = session.getSessionInfo()
    equal(info.state, p11.CKS_RW_USER_FUNCTIONS, "state")
    equal(len(session.generateRandom(24)), 24, "random")


def rsa_keys(session, *_):
    """A pair with every usage flag signs, verifies and decrypts; its modulus is readable."""
    usages = lambda *names: [(getattr(p11, name), YES) for name in names]
    public = [(p11.CKA_CLASS, p11.CKO_PUBLIC_KEY), (p11.CKA_TOKEN, YES), (p11.CKA_PRIVATE, NO),
              (p11.CKA_MODULUS_BITS, 0x0800), (p11.CKA_PUBLIC_EXPONENT, (1, 0, 1)),
              (p11.CKA_LABEL, "pair"), (p11.CKA_ID, (0x22,))]
    public += usages("CKA_ENCRYPT", "CKA_VERIFY", "CKA_VERIFY_RECOVER", "CKA_WRAP")
    private = [(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY), (p11.CKA_TOKEN, YES), (p11.CKA_PRIVATE, YES),
               (p11.CKA_LABEL, "pair"), (p11.CKA_ID, (0x22,))]
    private += usages("CKA_DECRYPT", "CKA_SIGN", "CKA_SIGN_RECOVER", "CKA_UNWRAP", "CKA_SENSITIVE")
    public, private = session.generateKeyPair(public, private)
    modulus, exponent = session.getAttributeValue(public, [p11.CKA_MODULUS, p11.CKA_PUBLIC_EXPONENT])
    number = lambda value: int.from_bytes(bytes(value), "big")
    outside = rsa.RSAPublicNumbers(number(exponent), number(modulus)).public_key()
    mechanism = p11.Mechanism(p11.CKM_SHA256_RSA_PKCS, None)
    signature = bytes(session.sign(private, MESSAGE, mechanism))
    outside.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    equal(session.verify(public, MESSAGE, signature, mechanism), True, "verify")
    equal(session.verify(public, MESSAGE[1:], signature, mechanism), False, "another message")
    pss = p11.RSA_PSS_Mechanism(p11.CKM_SHA256_RSA_PKCS_PSS, p11.CKM_SHA256, p11.CKG_MGF1_SHA256, 32)
    outside.verify(bytes(session.sign(private, MESSAGE, pss)), MESSAGE,
                   padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    sealed = outside.encrypt(MESSAGE, padding.PKCS1v15())
    equal(bytes(session.decrypt(private, sealed, p11.Mechanism(p11.CKM_RSA_PKCS, None))), MESSAGE,
          "PKCS#1 v1.5")
    oaep = p11.RSAOAEPMechanism(p11.CKM_SHA_1, p11.CKG_MGF1_SHA1)
    equal(bytes(session.decrypt(private, session.encrypt(public, MESSAGE, oaep), oaep)), MESSAGE,
          "OAEP")
    # A sensitive attribute reads as None.
    equal(session.getAttributeValue(private, [p11.CKA_PRIVATE_EXPONENT]), [None], "exponent")
    found = session.findObjects([(p11.CKA_ID, (0x22,)), (p11.CKA_CLASS, p11.CKO_PRIVATE_KEY)])
    equal([key.value() for key in found], [private.value()], "the private half by its id")
    for key in (public, private):
        session.destroyObject(key)


def aes(session, *_):
    """AES in several modes, against `cryptography`."""
    value = bytes(range(32))
    template = [pair for pair in secret_template(CKA_LABEL="aes") if pair[0] != p11.CKA_VALUE_LEN]
    key = session.createObject(template + [(p11.CKA_VALUE, value)])
    block = MESSAGE[:32]
    for mechanism, mode in (
            (p11.Mechanism(p11.CKM_AES_ECB, None), modes.ECB()),
            (p11.Mechanism(p11.CKM_AES_CBC, IV), modes.CBC(IV)),
            (p11.AES_CTR_Mechanism(128, IV), modes.CTR(IV))):
        sealer = Cipher(algorithms.AES(value), mode).encryptor()
        sealed = bytes(session.encrypt(key, block, mechanism))
        equal(sealed, sealer.update(block) + sealer.finalize(), mode.name)
        equal(bytes(session.decrypt(key, sealed, mechanism)), block, mode.name)
    gcm = p11.AES_GCM_Mechanism(IV[:12], b"context", 128)
    sealed = bytes(session.encrypt(key, MESSAGE, gcm))
    opener = Cipher(algorithms.AES(value), modes.GCM(IV[:12], sealed[-16:])).decryptor()
    opener.authenticate_additional_data(b"context")
    equal(opener.update(sealed[:-16]) + opener.finalize(), MESSAGE, "GCM")
    session.destroyObject(key)


def wrap(session, *_):
    """A key with every flag wraps a key that may leave; what may not leave stays."""
    wrapping = session.generateKey(secret_template(CKA_LABEL="wrapping"))
    open_key = session.generateKey(
        secret_template(CKA_LABEL="open", CKA_EXTRACTABLE=YES, CKA_SENSITIVE=NO))
    closed = session.generateKey(
        secret_template(CKA_LABEL="closed", CKA_EXTRACTABLE=NO, CKA_SENSITIVE=YES))
    value, = session.getAttributeValue(open_key, [p11.CKA_VALUE])
    mechanism = p11.Mechanism(p11.CKM_AES_KEY_WRAP, None)
    wrapped = session.wrapKey(wrapping, open_key, mechanism)
    back = session.unwrapKey(wrapping, wrapped, [
        (p11.CKA_CLASS, p11.CKO_SECRET_KEY), (p11.CKA_KEY_TYPE, p11.CKK_AES),
        (p11.CKA_TOKEN, NO), (p11.CKA_SENSITIVE, NO), (p11.CKA_EXTRACTABLE, YES)], mechanism)
    equal(session.getAttributeValue(back, [p11.CKA_VALUE]), [value], "unwrapped")
    refused({p11.CKR_KEY_UNEXTRACTABLE}, session.wrapKey, wrapping, closed, mechanism)
    for key in (wrapping, open_key, closed, back):
        session.destroyObject(key)


def digests(session, *_):
    """Digests and HMACs."""
    for mechanism, hash_ in ((p11.MechanismSHA1, hashes.SHA1()),
                             (p11.Mechanism(p11.CKM_SHA256, None), hashes.SHA256()),
                             (p11.Mechanism(p11.CKM_SHA512, None), hashes.SHA512())):
        digest = hashes.Hash(hash_)
        digest.update(MESSAGE)
        equal(bytes(session.digest(MESSAGE, mechanism)), digest.finalize(), hash_.name)
    parts = session.digestSession(p11.Mechanism(p11.CKM_SHA256, None))
    equal(bytes(parts.update(MESSAGE[:7]).update(MESSAGE[7:]).final()),
          bytes(session.digest(MESSAGE, p11.Mechanism(p11.CKM_SHA256, None))), "in parts")
    value = bytes(range(32))
    key = session.createObject([
        (p11.CKA_CLASS, p11.CKO_SECRET_KEY), (p11.CKA_KEY_TYPE, p11.CKK_GENERIC_SECRET),
        (p11.CKA_TOKEN, NO), (p11.CKA_SIGN, YES), (p11.CKA_VERIFY, YES), (p11.CKA_VALUE, value)])
    tag = hmac.HMAC(value, hashes.SHA256())
    tag.update(MESSAGE)
    tag = tag.finalize()
    mechanism = p11.Mechanism(p11.CKM_SHA256_HMAC, None)
    equal(bytes(session.sign(key, MESSAGE, mechanism)), tag, "HMAC")
    equal(session.verify(key, MESSAGE, tag, mechanism), True, "verify HMAC")


def objects(session, *_):
    """Data objects are created, searched, changed and destroyed; every attribute is readable."""
    data = session.createObject([
        (p11.CKA_CLASS, p11.CKO_DATA), (p11.CKA_TOKEN, YES), (p11.CKA_PRIVATE, NO),
        (p11.CKA_LABEL, "note"), (p11.CKA_APPLICATION, "pykcs11"), (p11.CKA_VALUE, MESSAGE)])
    found, = session.findObjects([(p11.CKA_LABEL, "note")])
    equal(bytes(session.getAttributeValue(found, [p11.CKA_VALUE])[0]), MESSAGE, "value")
    session.setAttributeValue(data, [(p11.CKA_LABEL, "changed")])
    equal(session.findObjects([(p11.CKA_LABEL, "note")]), [], "the old label")
    equal(len(session.findObjects([(p11.CKA_LABEL, "changed")])), 1, "the new label")
    for found in session.findObjects():
        # What the library prints in its own dump of a token.
        session.getAttributeValue_fragmented(found, sorted(
            number for number in p11.CKA if isinstance(number, int) and number < 0x40000000))
    session.destroyObject(data)
    refused({p11.CKR_OBJECT_HANDLE_INVALID}, session.getAttributeValue, data, [p11.CKA_LABEL])


def pins(session, library, slot):
    """PINs are changed; wrong ones refused; the session's state follows the login."""
    pin = sys.argv[3]
    session.setPin(pin, "another-1234")
    session.logout()
    equal(session.getSessionInfo().state, p11.CKS_RW_PUBLIC_SESSION, "logged out")
    refused({p11.CKR_PIN_INCORRECT}, session.login, pin)
    session.login("another-1234")
    session.setPin("another-1234", pin)
    refused({p11.CKR_USER_ALREADY_LOGGED_IN}, session.login, pin)
    second = library.openSession(slot)
    equal(second.getSessionInfo().state, p11.CKS_RO_USER_FUNCTIONS, "a second session")
    refused({p11.CKR_SESSION_READ_ONLY}, second.generateKey, secret_template())
    second.closeSession()


SCENARIOS = {"information": information, "rsa": rsa_keys, "aes": aes, "wrap": wrap,
             "digests": digests, "objects": objects, "pins": pins}


def main():
    module, label, pin, scenario = sys.argv[1:]
    library = p11.PyKCS11Lib()
    library.load(module)
    slot, = (slot for slot in library.getSlotList(tokenPresent=True)
             if library.getTokenInfo(slot).label.strip(" \0") == label)
    session = library.openSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION)
    session.login(pin)
    SCENARIOS[scenario](session, library, slot)
    session.logout()
    session.closeSession()
    print("passed")


if __name__ == "__main__":
    main()
